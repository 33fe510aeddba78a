"""A clock that is wrong decides nothing: what is newest goes by writer, number and the order of reading."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.minutes import HOURS_KEPT
from coderouter_exporter.state.state import State
from exporter.fold.events import folded, shown
from support.exporter.process import line
from support.exporter.sample_events import utc

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC).timestamp()
HOUR_S = 3600.0
WRONG = {
    "1970": 20.0,
    "2036": datetime(2036, 1, 1, tzinfo=UTC).timestamp(),
    "9 h ahead": NOW + 9 * HOUR_S,
    "9 h behind": NOW - 9 * HOUR_S,
    "6 min ahead": NOW + 360,
}
CATALOG = [{"name": "a", "kind": "echo", "paid": False, "base_url": "", "monthly_budget_usd": 20.0}]

Event = tuple[str, str, int, dict[str, object]]


def failed(writer: str, seq: int, error: str) -> Event:
    return "provider-failed", writer, seq, {"provider": "a", "retryable": True, "error": error}


def spent(writer: str, seq: int) -> Event:
    fields = {"provider": "a", "cost_usd": 1.0, "outcome": "ok", "duration_s": 0.5, "attempts": 1}
    return "request-finished", writer, seq, fields


EVENTS: list[Event] = [
    ("coderouter-startup", "w1", 1, {"version": "1", "providers": ["a"], "catalog": CATALOG}),
    ("provider-cooldown", "w1", 2, {"provider": "a", "seconds": 60}),
    failed("w1", 3, "first"),
    ("proxy-heartbeat", "w1", 4, {"in_flight": 7}),
    spent("w1", 5),
    ("coderouter-shutdown", "w1", 6, {"reason": "SIGTERM"}),
    ("coderouter-startup", "w2", 1, {"version": "2", "providers": ["a"], "catalog": CATALOG}),
    ("provider-recovered", "w2", 2, {"provider": "a"}),
    failed("w2", 3, "second"),
    ("provider-ok", "w2", 4, {"provider": "a", "duration_s": 0.1}),
    ("provider-adapted", "w2", 5, {
        "provider": "a", "trait": "call_ids", "value": "x", "reason": "call-id-form", "remembered": True,
    }),
    ("config-reloaded", "w2", 6, {"version": "3", "providers": ["a"], "catalog": CATALOG}),
    spent("w2", 7),
    ("proxy-heartbeat", "w2", 8, {"in_flight": 2}),
]  # fmt: skip


def written(event: Event, ts: float) -> bytes:
    msg, writer, seq, fields = event
    return line(msg, ts=utc(ts), writer=writer, seq=seq, **fields)


def decided(state: State) -> dict[str, Any]:
    """Return everything that is shown as the newest, without its time."""
    assert state.startup is not None
    return {
        "configuration": (state.startup.version, state.startup.writer, state.startup.ended),
        "processes": [(w, each.in_flight, each.ended) for w, each in state.heartbeats.items()],
        "errors": {name: error.error for name, error in state.last_errors.items()},
        "ends": state.newest_ends,
        "cooling": {name: each.until > each.ts for name, each in state.cooldowns.items()},
        "fallback": state.last_fallback and state.last_fallback.error,
        "learnt": [each.what for each in state.learnt],
        "attempts": [(each.event, each.line) for each in state.recent_attempts],
        "events": [(each.event, each.line) for each in state.recent_events],
        "last": state.last_line,
        "counts": state.counts,
    }


RIGHT = decided(folded(*(written(event, NOW) for event in EVENTS), read_ts=NOW))
TIMES = st.floats(-1e9, 4e9) | st.floats(NOW - HOUR_S, NOW + HOUR_S) | st.sampled_from(sorted(WRONG.values()))


@given(st.lists(TIMES, min_size=len(EVENTS), max_size=len(EVENTS)), st.integers(0, len(EVENTS)))
def test_no_time_of_any_event_changes_what_is_newest_or_a_total(times: list[float], cut_at: int) -> None:
    lines = [written(event, ts) for event, ts in zip(EVENTS, times, strict=True)]
    state = folded(*lines[:cut_at], read_ts=NOW)
    assert decided(folded(*lines[cut_at:], state=state, read_ts=NOW)) == RIGHT
    for now_ts in (0.0, NOW, 4e9):
        render(View(state=state, now_ts=now_ts), Format.OPENMETRICS)
        report(View(state=state, now_ts=now_ts))


_OF_ONE_PROCESS = [*EVENTS[:5], *EVENTS[7:], EVENTS[5]]
OF_ONE_WRITER = [(msg, "w", seq, fields) for seq, (msg, _, _, fields) in enumerate(_OF_ONE_PROCESS, start=1)]


@given(st.permutations(range(4)))
def test_lines_of_one_writer_may_be_read_in_any_order(order: Sequence[int]) -> None:
    """As when a rotated file turns up late."""
    files = [[written(event, NOW) for event in OF_ONE_WRITER[at::4]] for at in range(4)]
    late = State(created_ts=1.0)
    for number in order:
        folded(*files[number], state=late, read_ts=NOW)
    in_order = decided(folded(*(written(event, NOW) for event in OF_ONE_WRITER), read_ts=NOW))
    assert decided(late) == in_order


@pytest.mark.parametrize("wrong_ts", WRONG.values(), ids=WRONG.keys())
def test_after_a_wrong_clock_the_next_lines_show_everything_right(wrong_ts: float) -> None:
    wrong = [written(event, wrong_ts) for event in EVENTS[:6]]
    right = [written(event, NOW) for event in EVENTS[6:]]
    state = State.decode(folded(*wrong, *right, read_ts=NOW).encode())
    metrics = shown(state, NOW + 15)
    assert metrics["coderouter_info", ("none", "", "3")] == 1
    assert metrics["coderouter_up", ()] == 1
    assert metrics["coderouter_in_flight_requests", ()] == 2
    assert metrics["coderouter_provider_cooldown", ("a",)] == 0
    assert metrics["coderouter_uptime_seconds", ()] == 15
    assert metrics["coderouter_budget_used_usd", ("a",)] == 2
    assert metrics["coderouter_last_event_timestamp_seconds", ()] == pytest.approx(NOW)
    assert metrics["coderouter_cost_usd_total", ("", "a")] == 2


@pytest.mark.parametrize("ahead_s", [10 * 365 * 86400.0, 9 * HOUR_S, 301.0, 299.0])
def test_a_dead_proxy_is_down_after_45_s_however_far_ahead_its_clock_was(ahead_s: float) -> None:
    heartbeat = line("proxy-heartbeat", ts=utc(NOW + ahead_s), writer="w", seq=1, in_flight=3)
    state = folded(heartbeat, read_ts=NOW)
    assert [shown(state, NOW + age_s)["coderouter_up", ()] for age_s in (1, 45, 46)] == [1, 1, 0]


@pytest.mark.parametrize("cut_at", [0, 1, 2])
def test_old_lines_of_a_clock_that_was_ahead_do_not_pass_for_new_ones(cut_at: int) -> None:
    """As when an exporter starts and reads what a proxy wrote an hour ago."""
    ahead = [line("proxy-heartbeat", ts=utc(WRONG["2036"]), writer="w1", seq=1, in_flight=3)]
    after = [line("coderouter-shutdown", ts=utc(NOW - HOUR_S), writer="w2", seq=1, reason="SIGTERM")]
    lines = [*ahead, *after]
    state = folded(*lines[cut_at:], state=folded(*lines[:cut_at], read_ts=NOW), read_ts=NOW)
    assert shown(state, NOW)["coderouter_up", ()] == 0
    assert shown(state, NOW)["coderouter_in_flight_requests", ()] == 0


def test_a_cooldown_of_a_clock_that_is_ahead_lasts_from_when_it_was_read() -> None:
    state = folded(written(EVENTS[0], NOW), written(EVENTS[1], NOW + 9 * HOUR_S), read_ts=NOW)
    assert [shown(state, NOW + age_s)["coderouter_provider_cooldown", ("a",)] for age_s in (59, 61)] == [1, 0]


def test_costs_with_a_wrong_time_belong_to_the_month_in_which_they_are_read() -> None:
    state = folded(written(EVENTS[0], NOW), read_ts=NOW)
    for ts in (NOW, WRONG["2036"], WRONG["1970"], NOW):
        folded(written(spent("w3", round(ts)), ts), state=state, read_ts=NOW)
    assert shown(state, NOW)["coderouter_budget_used_usd", ("a",)] == 3, "the last one is a duplicate"


def test_costs_read_while_the_clock_is_wrong_hide_no_month() -> None:
    state = folded(written(EVENTS[0], NOW), written(spent("w", 1), NOW), read_ts=NOW)
    for number, (ts, usd) in enumerate([(WRONG["2036"], 1), (WRONG["1970"], 2), (NOW, 3)], start=2):
        folded(written(spent("w", number), ts), state=state, read_ts=ts)
        assert shown(state, ts)["coderouter_budget_used_usd", ("a",)] >= 1, usd
    assert shown(state, NOW)["coderouter_budget_used_usd", ("a",)] == 3, "with what was spent in 1970"


def requests_of_today(state: State) -> int:
    found: dict[str, Any] = report(View(state=state, now_ts=NOW))
    requests: int = found["today"]["requests"]
    return requests


@pytest.mark.parametrize("name", ["1970", "2036", "9 h ahead"])
def test_requests_with_a_wrong_time_are_of_the_day_on_which_they_are_read(name: str) -> None:
    lines = [written(spent("w", 1), NOW), written(spent("w", 2), WRONG[name])]
    assert requests_of_today(folded(*lines, read_ts=NOW)) == 2


def test_hours_read_while_the_clock_was_ahead_do_not_push_out_the_history() -> None:
    state = State(created_ts=1.0)
    for hour in range(HOURS_KEPT):
        ts = WRONG["2036"] + hour * HOUR_S
        folded(written(spent("w", hour + 1), ts), state=state, read_ts=ts)
    for number in range(1, 11):
        ts = NOW - (10 - number) * HOUR_S
        folded(written(spent("v", number), ts), state=state, read_ts=ts)
    assert report(View(state=state, now_ts=NOW), hours=24)["history"]["total"]["requests"] == 10  # type: ignore[index]


def test_a_suspect_time_is_shown_as_it_is_and_marked() -> None:
    lines = [written(event, WRONG["2036"]) for event in EVENTS]
    found: Any = report(View(state=folded(*lines, read_ts=NOW), now_ts=NOW))
    assert {entry["ts"] for entry in found["recent"] + found["events"]} == {"2036-01-01T00:00:00"}
    assert all(entry["ts_suspect"] for entry in found["recent"] + found["events"])
    assert found["moved_on"]["at_suspect"]
    assert found["providers"][0]["last_error"]["ts_suspect"]
    assert found["proxy"]["clock_ahead_s"] == WRONG["2036"] - NOW
    assert found["proxy"]["last_event_at"] == utc(NOW)[:19]


def test_a_time_that_is_not_suspect_has_no_mark() -> None:
    lines = [written(event, NOW + 299) for event in EVENTS]
    found: Any = report(View(state=folded(*lines, read_ts=NOW), now_ts=NOW))
    assert not any("ts_suspect" in entry for entry in found["recent"] + found["events"])
    assert found["proxy"]["clock_ahead_s"] == 0


def test_the_time_of_an_exemplar_is_never_in_the_future() -> None:
    ok = line(
        "provider-ok", ts=utc(WRONG["2036"]), writer="w", seq=1, request_id="r", provider="a", duration_s=0.1
    )
    text = render(View(state=folded(ok, read_ts=NOW), now_ts=NOW), Format.OPENMETRICS).decode()
    [exemplar] = [each for each in text.splitlines() if "# {" in each]
    assert exemplar.endswith('# {request_id="r"} 0.1')


def test_a_leap_second_is_a_time() -> None:
    heartbeat = line("proxy-heartbeat", ts="2026-12-31T23:59:60.500Z", writer="w", seq=1, in_flight=1)
    state = folded(heartbeat)
    assert utc(state.last_event_ts) == "2027-01-01T00:00:00.500Z"


def test_the_totals_of_files_are_those_of_a_live_exporter_whatever_the_clocks_did() -> None:
    lines = [written(event, ts) for event, ts in zip(EVENTS, [*WRONG.values()] * 3, strict=False)]
    live = State(created_ts=0.0)
    for each in lines:
        folded(each, state=live, read_ts=NOW)
    afterwards = folded(*lines, state=State(created_ts=0.0), read_ts=NOW + 30 * 86400)
    assert live.counts == afterwards.counts
