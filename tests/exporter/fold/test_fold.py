import dataclasses

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_events.events import EVENTS
from coderouter_exporter.families import exporter, proxy
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.minutes import Minutes
from coderouter_exporter.state.state import RECENT_ATTEMPTS_MAX, LastError, State
from support.exporter.process import line, samples, tried


def folded(*lines: bytes, state: State | None = None) -> State:
    state = state or State(created_ts=1.0)
    data = b"".join(lines)
    fold(state, Chunk(data, len(data)))
    return state


def view(state: State, now_ts: float = 0.0) -> View:
    return View(state=state, now_ts=now_ts)


KEYS_OF_1_7 = {
    "": {"uptime_s", "started_at", "startup", "counters", "providers", "recent", "config"},
    "providers": {"name", "attempts", "outcomes", "last_error"},
    "last_error": {"ts", "status", "retryable", "error"},
}


def of_1_7(told: object, key: str = "") -> object:
    """Return the report without the keys that have been added since."""
    if isinstance(told, list):
        return [of_1_7(entry, key) for entry in told]
    if not isinstance(told, dict):
        return told
    known = KEYS_OF_1_7.get(key, told.keys())
    deeper = "config" if key == "config" else None
    return {name: of_1_7(value, deeper or name) for name, value in told.items() if name in known}


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
    line("request-finished", request_id="r1", ingress="openai", outcome="ok", duration_s=0.2, cost_usd=0.1),
    line(
        "request-finished", request_id="r2", ingress="openai", outcome="blocked", duration_s=0.2, writer="v"
    ),
    line("proxy-heartbeat", ts="1970-01-01T00:00:07.000Z", writer="w", in_flight=2),
    line("proxy-heartbeat", ts="1970-01-01T00:00:04.000Z", writer="w", in_flight=3),
    line("provider-cooldown", ts="1970-01-01T00:00:07.000Z", provider="a", seconds=60),
    line("provider-recovered", ts="1970-01-01T00:00:07.000Z", provider="a"),
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
    assert State.decode(state.encode()) == state


def test_a_state_of_before_there_was_a_history_is_read() -> None:
    old = {"created_ts": 1.0, "last_errors": {"a": [1.0, 500, True, "no"]}, "recent": []}
    state = State.decode(msgspec.msgpack.encode(old))
    assert state.last_errors["a"] == LastError(1.0, 500, retryable=True, error="no")
    assert (state.minutes, state.recent_events, state.last_success_ts, state.last_fallback) == (
        Minutes(),
        [],
        {},
        None,
    )


def test_every_event_of_the_contract_is_counted_by_name() -> None:
    state = folded(*(line(event.msg) for event in EVENTS))
    assert state.totals(exporter.EVENTS_READ) == {
        (event.msg,): 1 for event in sorted(EVENTS, key=lambda e: e.msg)
    }


NONSENSE = (
    "-1",
    "1" + "0" * 25,
    "1e308",
    "-1e308",
    "1e400",
    "1" + "0" * 400,
    "true",
    '"x"',
    "[]",
    "{}",
    "null",
)


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: value[:8])
def test_no_value_of_any_field_stops_the_exporter(value: str) -> None:
    state = State(created_ts=1.0)
    for event in EVENTS:
        fields = "".join(f',"{field.name}":{value}' for field in dataclasses.fields(event))
        folded(f'{{"ts":"2026-11-24T09:00:00.000Z","msg":"{event.msg}"{fields}}}\n'.encode(), state=state)
        folded(
            f'{{"ts":"2026-11-24T09:00:00.000Z","msg":"{event.msg}","writer":"w","provider":"p"'.encode()
            + f"{fields}}}\n".encode(),
            state=state,
        )
    kept = State.decode(state.encode())
    assert kept == state
    for now_ts in (0.0, 1796083199.0):
        render(view(kept, now_ts), Format.OPENMETRICS)
        report(view(kept, now_ts))


def test_a_missing_provider_counts_under_the_empty_name() -> None:
    state = folded(line("try-provider"), line("try-provider", provider=None), line("provider-ok"))
    assert state.totals(proxy.PROVIDER_ATTEMPTS) == {("",): 2}
    assert state.totals(proxy.PROVIDER_OUTCOMES) == {("", "ok"): 1}


def test_each_entry_of_a_list_counts() -> None:
    state = folded(
        line("output-filter-applied", filters=["x", "y"]), line("output-filter-applied", filters=["x"])
    )
    assert state.totals(proxy.OUTPUT_FILTER_APPLIED) == {("x",): 2, ("y",): 1}


def test_the_providers_of_the_newest_startup_are_served_at_0() -> None:
    state = folded(startup(1, providers=["old"]), startup(2, providers=["a"]), tried("b"))
    assert state.totals(proxy.PROVIDER_ATTEMPTS) == {("a",): 0, ("b",): 1}
    assert state.totals(proxy.PROVIDER_OUTCOMES) == {
        ("a", "failed"): 0,
        ("a", "failed_midstream"): 0,
        ("a", "ok"): 0,
    }


def heartbeat(second: int, writer: str, in_flight: int) -> bytes:
    ts = f"1970-01-01T00:00:{second:02}.000Z"
    return line("proxy-heartbeat", ts=ts, writer=writer, in_flight=in_flight)


def gauge(state: State, name: str, *labels: str, now_ts: float) -> float:
    return samples(render(view(state, now_ts), Format.TEXT).decode())[name, labels]


def test_requests_in_flight_are_those_of_the_processes_heard_of_lately() -> None:
    state = folded(
        heartbeat(1, "w1", 5), heartbeat(10, "w1", 2), heartbeat(12, "w2", 3), heartbeat(9, "w2", 7)
    )
    assert gauge(state, "coderouter_in_flight_requests", now_ts=20.0) == 5
    assert gauge(state, "coderouter_in_flight_requests", now_ts=56.0) == 3, "w1 was last heard of 46 s ago"
    assert gauge(state, "coderouter_in_flight_requests", now_ts=58.0) == 0


def test_the_proxy_is_up_from_its_start_until_its_shutdown_or_until_it_has_been_silent_for_45_s() -> None:
    state = folded(startup(1, writer="w1"), startup(2, writer="w2"))
    assert gauge(state, "coderouter_up", now_ts=3.0) == 1
    folded(shutdown(4, writer="w1"), state=state)
    assert gauge(state, "coderouter_up", now_ts=5.0) == 1, "another process is"
    assert gauge(state, "coderouter_up", now_ts=48.0) == 0
    folded(heartbeat(49, "w2", 0), shutdown(50, writer="w2"), state=state)
    assert gauge(state, "coderouter_up", now_ts=51.0) == 0


def test_the_lock_beside_the_event_file_tells_of_a_killed_proxy_at_once_and_of_one_that_cannot_write() -> (
    None
):
    state = folded(heartbeat(10, "w1", 2))

    def shown(now_ts: float, *, alive: bool | None) -> tuple[float, float]:
        text = samples(render(View(state=state, now_ts=now_ts, alive=alive), Format.TEXT).decode())
        return text["coderouter_up", ()], text["coderouter_in_flight_requests", ()]

    assert shown(11.0, alive=None) == (1, 2)
    assert shown(11.0, alive=False) == (0, 0)
    assert shown(99.0, alive=True) == (1, 0)


def test_a_provider_cools_down_until_its_time_is_up_or_it_has_answered() -> None:
    cooldown = line("provider-cooldown", ts="1970-01-01T00:00:01.000Z", provider="a", seconds=30)
    recovered = line("provider-recovered", ts="1970-01-01T00:00:09.000Z", provider="a", cooldown_s=8)
    state = folded(startup(1, providers=["a", "b"]), cooldown)
    assert gauge(state, "coderouter_provider_cooldown", "a", now_ts=30.0) == 1
    assert gauge(state, "coderouter_provider_cooldown", "b", now_ts=30.0) == 0
    assert gauge(state, "coderouter_provider_cooldown", "a", now_ts=31.0) == 0
    folded(recovered, state=state)
    assert gauge(state, "coderouter_provider_cooldown", "a", now_ts=10.0) == 0


def test_a_budget_is_used_up_by_what_was_spent_in_its_month() -> None:
    def spent(ts: str, usd: float, provider: str = "paid") -> bytes:
        return line("request-finished", ts=ts, provider=provider, cost_usd=usd)

    catalog = [{"name": "paid", "monthly_budget_usd": 20}, {"name": "free", "monthly_budget_usd": None}]
    state = folded(
        startup(1, providers=["paid", "free"], catalog=catalog),
        spent("2026-10-31T23:59:59.999Z", 9.0),
        spent("2026-11-01T00:00:00.000Z", 0.25),
        spent("2026-10-31T23:59:59.000Z", 1.0),
        spent("2026-11-30T23:59:59.999Z", 0.5),
        spent("2026-11-02T00:00:00.000Z", 4.0, provider="free"),
        spent("no time at all", 1.0),
    )
    november, december = 1796083199.0, 1796083200.0
    assert gauge(state, "coderouter_budget_limit_usd", "paid", now_ts=november) == 20
    assert gauge(state, "coderouter_budget_used_usd", "paid", now_ts=november) == 0.75
    assert gauge(state, "coderouter_budget_used_usd", "paid", now_ts=december) == 0
    assert ("coderouter_budget_used_usd", ("free",)) not in samples(render(view(state), Format.TEXT).decode())


def test_the_newest_configuration_is_told_by_labels() -> None:
    state = folded(startup(1, version="2.0.0", default_profile="coding", allow_paid=True))
    assert gauge(state, "coderouter_info", "true", "coding", "2.0.0", now_ts=2.0) == 1


def test_a_startup_replaces_the_startup_info_and_resets_no_count() -> None:
    state = folded(startup(1, version="1"), tried(), startup(2, version="2"))
    assert state.startup is not None
    assert state.startup.version == "2"
    assert state.totals(proxy.REQUESTS) == {(): 1}


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
    assert [event.provider for event in state.recent_attempts] == [
        str(number) for number in range(300 - RECENT_ATTEMPTS_MAX, 300)
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
    assert of_1_7(report(view(state, now_ts=4.25))) == {
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
