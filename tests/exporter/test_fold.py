from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_exporter import families_exporter, families_proxy
from coderouter_exporter.exposition import Format, render
from coderouter_exporter.fold import fold
from coderouter_exporter.records import Chunk
from coderouter_exporter.report import report
from coderouter_exporter.state import RECENT_MAX, State, decode, encode
from coderouter_exporter.view import View
from coderouter_proxy.events import EVENTS
from support.exporter import line, tried


def folded(*lines: bytes, state: State | None = None) -> State:
    state = state or State(created_ts=1.0)
    data = b"".join(lines)
    fold(state, Chunk(data, len(data)))
    return state


def view(state: State, now_ts: float = 0.0) -> View:
    return View(state=state, now_ts=now_ts)


def startup(second: int, **more: object) -> bytes:
    return line("coderouter-startup", ts=f"1970-01-01T00:00:{second:02}.000Z", **more)


def shutdown(second: int, **more: object) -> bytes:
    return line("coderouter-shutdown", ts=f"1970-01-01T00:00:{second:02}.000Z", reason="SIGTERM", **more)


LINES = [
    tried("a"),
    tried("b", writer="w", seq=9),
    line("provider-ok", provider="a", stream=True, duration_s=0.1),
    line(
        "provider-failed",
        provider="b",
        status=500,
        retryable=True,
        error_type="upstream_5xx",
        error="HTTP 500",
    ),
    line("provider-failed-midstream", provider="a", status=None, retryable=False, error="cut"),
    line("capability-degraded", provider="a", dropped=["thinking", "reasoning"]),
    startup(5, providers=["a", "c"], writer="w"),
    shutdown(6, writer="w"),
    b"garbage\n",
    b"\n",
    line("some-later-event"),
]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from(LINES), max_size=40), st.data())
def test_the_totals_do_not_depend_on_where_batches_end(lines: list[bytes], data: st.DataObject) -> None:
    at_once = folded(*lines)
    cut_at = data.draw(st.integers(0, len(lines)))
    in_two = folded(*lines[cut_at:], state=folded(*lines[:cut_at]))
    assert render(view(in_two), Format.OPENMETRICS) == render(view(at_once), Format.OPENMETRICS)
    assert report(view(in_two)) == report(view(at_once))


def test_the_state_survives_being_written_and_read() -> None:
    state = folded(*LINES)
    assert decode(encode(state)) == state


def test_every_event_of_the_contract_is_counted_by_name() -> None:
    state = folded(*(line(event.msg) for event in EVENTS))
    assert state.totals(families_exporter.EVENTS_READ) == {
        (event.msg,): 1 for event in sorted(EVENTS, key=lambda e: e.msg)
    }


def test_a_missing_provider_counts_under_the_empty_name() -> None:
    state = folded(line("try-provider"), line("try-provider", provider=None), line("provider-ok"))
    assert state.totals(families_proxy.PROVIDER_ATTEMPTS) == {("",): 2}
    assert state.totals(families_proxy.PROVIDER_OUTCOMES) == {("", "ok"): 1}


def test_each_entry_of_a_list_counts() -> None:
    state = folded(
        line("output-filter-applied", filters=["x", "y"]), line("output-filter-applied", filters=["x"])
    )
    assert state.totals(families_proxy.OUTPUT_FILTER_APPLIED) == {("x",): 2, ("y",): 1}


def test_the_providers_of_the_newest_startup_are_served_at_0() -> None:
    state = folded(startup(1, providers=["old"]), startup(2, providers=["a"]), tried("b"))
    assert state.totals(families_proxy.PROVIDER_ATTEMPTS) == {("a",): 0, ("b",): 1}
    assert state.totals(families_proxy.PROVIDER_OUTCOMES) == {
        ("a", "failed"): 0,
        ("a", "failed_midstream"): 0,
        ("a", "ok"): 0,
    }


def test_a_startup_replaces_the_startup_info_and_resets_no_count() -> None:
    state = folded(startup(1, version="1"), tried(), startup(2, version="2"))
    assert state.startup is not None
    assert state.startup.version == "2"
    assert state.totals(families_proxy.REQUESTS) == {(): 1}


def test_a_configuration_read_anew_replaces_the_providers_and_not_the_time_of_the_start() -> None:
    reloaded = line("config-reloaded", ts="1970-01-01T00:00:09.000Z", writer="w", providers=["new"])
    state = folded(startup(5, providers=["old"], writer="w"), reloaded)
    assert state.startup is not None
    assert (state.startup.providers, state.startup.ts) == (["new"], 5.0)
    assert folded(shutdown(10, writer="w"), state=state).startup == state.startup
    assert state.startup.ended


def test_a_provider_over_its_budget_counts_as_skipped() -> None:
    state = folded(line("skip-budget-exceeded", provider="claude", spent_usd=5.0, budget_usd=5.0))
    assert b'coderouter_provider_skipped_total{provider="claude",reason="budget"} 1.0' in render(
        view(state), Format.TEXT
    )


def test_the_newest_startup_is_told_by_its_time_not_by_its_place() -> None:
    state = folded(startup(2, version="2"), startup(1, version="1"))
    assert state.startup is not None
    assert state.startup.version == "2"


def test_uptime_runs_from_the_newest_startup_and_is_0_after_its_shutdown() -> None:
    state = folded(startup(10, writer="w2"))
    assert view(state, now_ts=25.0).uptime_s == 15.0
    folded(shutdown(11, writer="w1"), state=state)
    assert view(state, now_ts=25.0).uptime_s == 15.0, "another process ended"
    folded(shutdown(12, writer="w2"), state=state)
    assert view(state, now_ts=25.0).uptime_s == 0.0
    folded(startup(20, writer="w3"), state=state)
    assert view(state, now_ts=25.0).uptime_s == 5.0


def test_the_last_error_of_a_provider_is_the_newest_and_cut_at_200_characters() -> None:
    state = folded(
        line("provider-failed", provider="a", status=500, retryable=True, error="first"),
        line("provider-failed-midstream", provider="a", status=None, retryable=False, error="x" * 201),
        line("provider-failed", provider="b", status=401, retryable=True, error="y" * 200),
    )
    assert state.last_errors["a"].error == "x" * 200 + "…"
    assert state.last_errors["a"].status is None
    assert state.last_errors["b"].error == "y" * 200


def test_the_recent_events_are_the_last_256_oldest_first() -> None:
    state = folded(*(tried(str(number)) for number in range(200)))
    folded(line("request-finished"), *(tried(str(number)) for number in range(200, 300)), state=state)
    assert [event.provider for event in state.recent] == [
        str(number) for number in range(300 - RECENT_MAX, 300)
    ]


def test_the_report_has_the_shape_of_coderouter_1_7() -> None:
    state = folded(
        startup(
            1,
            version="2.0.0",
            providers=["a"],
            profiles=["p"],
            default_profile="p",
            allow_paid=False,
            mode_source="config",
            display_timezone="Asia/Tokyo",
            catalog=[{"name": "a", "kind": "echo", "model": "m", "paid": False, "base_url": ""}],
            chains={"p": ["a"]},
        ),
        tried("a", ts="1970-01-01T00:00:02.000Z"),
        line(
            "provider-failed",
            ts="1970-01-01T00:00:02.900Z",
            provider="a",
            status=503,
            retryable=True,
            error="busy",
        ),
        line("skip-paid-provider", provider="z"),
    )
    assert report(view(state, now_ts=4.25)) == {
        "uptime_s": 3.25,
        "started_at": "1970-01-01T00:00:01",
        "startup": {
            "version": "2.0.0",
            "providers": ["a"],
            "profiles": ["p"],
            "default_profile": "p",
            "allow_paid": False,
            "mode_source": "config",
        },
        "counters": {
            "requests_total": 1,
            "chain_paid_gate_blocked_total": 0,
            "chain_uniform_auth_failure_total": 0,
            "auto_router_fallthrough_total": 0,
            "provider_attempts": {"a": 1},
            "provider_outcomes": {"a": {"failed": 1, "failed_midstream": 0, "ok": 0}},
            "provider_skipped_paid": {"a": 0, "z": 1},
            "provider_skipped_unknown": {},
            "capability_degraded": {},
            "output_filter_applied": {},
        },
        "providers": [
            {
                "name": "a",
                "attempts": 1,
                "outcomes": {"failed": 1, "failed_midstream": 0, "ok": 0},
                "last_error": {
                    "ts": "1970-01-01T00:00:02",
                    "status": 503,
                    "retryable": True,
                    "error": "busy",
                },
            }
        ],
        "recent": [
            {"ts": "1970-01-01T00:00:02", "event": "try-provider", "provider": "a", "stream": False},
            {
                "ts": "1970-01-01T00:00:02",
                "event": "provider-failed",
                "provider": "a",
                "status": 503,
                "retryable": True,
            },
        ],
        "config": {
            "default_profile": "p",
            "allow_paid": False,
            "display_timezone": "Asia/Tokyo",
            "providers": [{"name": "a", "kind": "echo", "paid": False, "base_url": ""}],
            "profiles": [{"name": "p", "providers": ["a"]}],
        },
    }
