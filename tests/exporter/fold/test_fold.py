"""Every line counts once, however the lines are batched and whatever is in them."""

import dataclasses

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_events.events import EVENTS
from coderouter_exporter.families import exporter, proxy
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.report import report
from coderouter_exporter.state.minutes import Minutes
from coderouter_exporter.state.reported import LastError
from coderouter_exporter.state.state import State
from exporter.fold.events import folded, shutdown, startup, view
from support.exporter.process import line, tried

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


def test_a_state_is_decoded_as_it_was_encoded() -> None:
    state = folded(*LINES)
    assert State.decode(state.encode()) == state


def test_a_state_without_the_fields_of_later_versions_is_decoded() -> None:
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


def test_a_startup_replaces_the_startup_info_and_resets_no_count() -> None:
    state = folded(startup(1, version="1"), tried(), startup(2, version="2"))
    assert state.startup is not None
    assert state.startup.version == "2"
    assert state.totals(proxy.REQUESTS) == {(): 1}


def test_a_provider_over_its_budget_counts_as_skipped() -> None:
    state = folded(line("skip-budget-exceeded", provider="claude", spent_usd=5.0, budget_usd=5.0))
    assert b'coderouter_provider_skipped_total{provider="claude",reason="budget"} 1.0' in render(
        view(state), Format.TEXT
    )
