"""The history of requests, minute by minute: exact, small, and the same however events are batched."""

import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_events.events import RequestFinished
from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import Columns
from coderouter_exporter.records.record import RECORDS, Record
from coderouter_exporter.render.charts import history, today
from coderouter_exporter.state import duration_histogram
from coderouter_exporter.state.minutes import HOURS_KEPT, HOURS_UNCOMPRESSED, Minutes, total
from support.exporter.process import append, running_exporter
from support.exporter.sample_events import an_hour

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC).timestamp()
HOUR_S = 3600
FINISHED = RECORDS[RequestFinished.msg]
DAY_BYTES_MAX = 200_000
"""Maximum size of the history in each commit after a day of one request a second."""


def finished(ago_s: float, outcome: str | None = "ok", now_ts: float = NOW, **fields: object) -> Record:
    ts = datetime.fromtimestamp(now_ts - ago_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.convert({"ts": ts, "msg": "request-finished", "outcome": outcome, **fields}, FINISHED)


def count(minutes: Minutes, *records: Record) -> None:
    if records:
        minutes.count(records, Columns(records))


def counted(*records: Record) -> Minutes:
    minutes = Minutes()
    count(minutes, *records)
    return minutes


def columns(minutes: Minutes, hours: int = 1) -> dict[str, list[int]]:
    chart = history(minutes, hours, NOW)
    return {kind: chart[kind] for kind in ("ok", "failed", "client", "fallbacks")}


def test_a_request_counts_in_the_minute_in_which_it_ended() -> None:
    minutes = counted(finished(0), finished(31), finished(59 * 60, "exhausted"), finished(60 * 60))
    shown = columns(minutes)
    assert (shown["ok"][-2:], shown["failed"][0]) == ([1, 1], 1)
    assert sum(shown["ok"]) == 2, "an hour ago is before the first of 60 minutes"


def test_every_outcome_is_in_one_of_the_columns_ok_failed_and_client() -> None:
    outcomes = ("ok", "client_error", "exhausted", "blocked", "midstream", "client_gone", "nonsense", None)
    shown = columns(counted(*(finished(0, outcome) for outcome in outcomes)))
    assert {kind: column[-1] for kind, column in shown.items()} == {
        "ok": 1, "failed": 5, "client": 2, "fallbacks": 0,
    }  # fmt: skip


def test_tokens_and_costs_add_up_exactly_and_nonsense_is_ignored() -> None:
    used: dict[str, Any] = {
        "input_tokens": 7,
        "output_tokens": 5,
        "cache_read_tokens": 3,
        "cache_creation_tokens": 2,
    }
    records = [finished(0, cost_usd=0.000001, attempts=2, **used) for _ in range(10)]
    odd = [finished(0, cost_usd=cost, input_tokens=-1, attempts=None) for cost in (-1.0, 1e300, None)]
    whole = total(counted(*records, *odd).steps(NOW, NOW, 1).values())
    assert (whole.input_tokens, whole.output_tokens, whole.fallbacks) == (70, 50, 10)
    assert (whole.cache_read_tokens, whole.cache_creation_tokens, whole.micro_usd) == (30, 20, 10)


def test_an_event_without_a_readable_time_is_in_no_minute() -> None:
    minutes = counted(FINISHED(), FINISHED(ts="yesterday"))
    assert minutes == Minutes()


ENDS = st.builds(
    finished,
    st.one_of(st.floats(0, 3 * HOUR_S), st.floats(0, 40 * HOUR_S), st.floats(-1e9, 1e9)),
    st.sampled_from(["ok", "exhausted", "client_gone"]),
    duration_s=st.none() | st.floats(0, 1000),
    cost_usd=st.none() | st.floats(0, 1),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(ENDS, max_size=60), st.data())
def test_neither_order_nor_batches_matter(records: list[Record], data: st.DataObject) -> None:
    at_once = counted(*records)
    shuffled = data.draw(st.permutations(records))
    one_by_one = Minutes()
    for record in shuffled:
        count(one_by_one, record)
    assert one_by_one.uncompressed == at_once.uncompressed
    assert one_by_one.compressed.keys() == at_once.compressed.keys()
    for hours in (1, 6, 24):
        assert history(one_by_one, hours, NOW) == history(at_once, hours, NOW)


def test_the_newest_hours_with_a_request_are_kept_and_the_last_ones_are_not_compressed() -> None:
    minutes = Minutes()
    for hour in range(60):
        count(minutes, finished((60 - hour) * HOUR_S))
        assert len(minutes.compressed) + HOURS_UNCOMPRESSED <= HOURS_KEPT
    assert len(minutes.compressed) + len(minutes.uncompressed) == HOURS_KEPT
    before = msgspec.msgpack.encode(minutes)
    count(minutes, finished(50 * HOUR_S))
    assert msgspec.msgpack.encode(minutes) == before, "it is too old"


def test_a_late_event_of_a_compressed_hour_counts() -> None:
    minutes = counted(*(finished(hour * HOUR_S) for hour in range(10)))
    count(minutes, finished(5 * HOUR_S), finished(5 * HOUR_S + 60))
    assert sum(columns(minutes, 6)["ok"]) == 6 + 2


def test_one_event_far_in_the_future_does_not_discard_the_history() -> None:
    minutes = counted(*(finished(minute * 60) for minute in range(60)))
    count(minutes, finished(-1e9))
    assert sum(columns(minutes)["ok"]) == 60


@pytest.mark.parametrize(("hours", "steps"), [(1, 60), (6, 72), (24, 96)])
def test_the_steps_of_a_chart_end_now_and_add_up(hours: int, steps: int) -> None:
    minutes = counted(*(finished(number * 300) for number in range(12 * 23)))
    column = columns(minutes, hours)["ok"]
    assert (len(column), sum(column)) == (steps, 12 * min(hours, 23))
    assert column[-1] == 1


def test_quantiles_are_at_most_10_percent_off() -> None:
    chance = random.Random(7)
    measured = sorted(chance.lognormvariate(0.5, 1.5) for _ in range(5000))
    drawn: duration_histogram.DurationHistogram = {}
    duration_histogram.add(drawn, (round(seconds * MICRO) for seconds in measured))
    for share in (0.5, 0.95):
        estimate, exact = duration_histogram.quantile_s(drawn, share), measured[int(share * len(measured))]
        assert estimate is not None
        assert abs(estimate - exact) / exact < 0.1
    assert duration_histogram.quantile_s({}, 0.5) is None


def test_quantiles_are_of_complete_responses_and_of_streams() -> None:
    minutes = counted(
        finished(0, duration_s=1.0, ttft_s=0.1),
        finished(0, duration_s=1.0),
        finished(0, "exhausted", duration_s=900.0),
    )
    whole = history(minutes, 1, NOW)["total"]
    assert whole["duration_p95_s"] == pytest.approx(1.0, rel=0.1)
    assert whole["first_token_p50_s"] == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize(
    ("zone", "now", "hours"),
    [
        ("Europe/Berlin", "2026-10-25T23:30:00+01:00", 24.5),  # clocks went back: a day of 25 hours
        ("Europe/Berlin", "2026-03-29T23:30:00+02:00", 22.5),  # and forward: 23 hours
        ("Asia/Kolkata", "2026-11-23T00:10:00+05:30", 10 / 60),
        ("America/St_Johns", "2026-11-23T12:00:00-03:30", 12),
        ("UTC", "2026-11-23T00:00:00+00:00", 0),
    ],
)
def test_today_begins_at_midnight_in_the_time_zone(zone: str, now: str, hours: float) -> None:
    now_ts = datetime.fromisoformat(now).timestamp()
    spent = [finished(ago * 60, now_ts=now_ts, input_tokens=1, cost_usd=0.5) for ago in range(26 * 60)]
    used = today(counted(*spent), zone, now_ts)
    assert used["requests"] == used["input_tokens"] == hours * 60 + 1
    assert used["cost_usd"] == used["requests"] / 2
    assert (used["date"], used["timezone"]) == (now[:10], zone)


@pytest.mark.parametrize("zone", [None, "Mars/Olympus", "../etc/passwd", "\0"])
def test_without_a_valid_time_zone_today_is_that_of_the_machine(zone: str | None) -> None:
    assert today(Minutes(), zone, NOW)["date"] == datetime.fromtimestamp(NOW).astimezone().date().isoformat()


def test_the_history_survives_a_kill_without_the_event_file(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "exporter.db"
    append(events, *an_hour(time.time()))
    reports = []
    for _ in range(2):
        with running_exporter(events, state=state) as exporter:
            reports.append(json.loads(exporter.get("/metrics.json?hours=6")[1]))
            exporter.command.stop(SIGKILL)
        events.unlink(missing_ok=True)
    before, after = ({name: report[name] for name in ("history", "events")} for report in reports)
    assert before["history"]["total"]["requests"] > 300
    assert (before["history"]["total"], before["events"]) == (after["history"]["total"], after["events"])


def test_a_busy_day_stays_small() -> None:
    chance = random.Random(7)
    minutes = Minutes()
    for minute in range(24 * 60):
        count(
            minutes,
            *(
                finished(
                    (24 * 60 - minute) * 60,
                    duration_s=chance.lognormvariate(1, 1),
                    ttft_s=chance.lognormvariate(-0.5, 0.7),
                    input_tokens=chance.randrange(20_000),
                    output_tokens=chance.randrange(2_000),
                    cache_read_tokens=chance.randrange(50_000),
                    cost_usd=chance.random() / 50,
                )
                for _ in range(60)
            ),
        )
    assert len(msgspec.msgpack.encode(minutes)) < DAY_BYTES_MAX


def test_quantiles_move_with_each_observation() -> None:
    drawn: duration_histogram.DurationHistogram = {}
    seen = set()
    for number in range(1, 20):
        duration_histogram.add(drawn, [MICRO, MICRO * (1 + number)])
        seen.add(duration_histogram.quantile_s(drawn, 0.95))
    assert len(seen) > 12
