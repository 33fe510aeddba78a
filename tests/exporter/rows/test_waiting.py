"""While many events come and nobody reads rows, rows wait; those that would be removed again are never made."""

import time
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.queries import requests
from coderouter_exporter.queries.filters import Filters, Page
from coderouter_exporter.rows import tables
from coderouter_exporter.rows.backlog import out_of_reach
from coderouter_exporter.rows.passed import Ended
from coderouter_exporter.rows.pending import WAITING_RECORDS_MIN
from coderouter_exporter.state.opening import Opening
from coderouter_exporter.tail.sources import Sources
from support.exporter.engine import EngineRig
from support.exporter.process import append
from support.exporter.requests import Requests
from support.processes import eventually

REQUESTS_MAX = 150
EACH_PASS = 80
PASSES = 5


def rows(engine: EngineRig) -> list[dict[str, Any]]:
    page = engine.read(lambda db: requests.requests(db, Filters(), Page(limit=1000), 1000))
    return list(page["requests"])


def test_rows_are_the_same_if_they_had_to_wait(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    hurried, patient = (
        EngineRig(events, state=tmp_path / f"{name}.db", requests_max=REQUESTS_MAX)
        for name in ("hurried", "patient")
    )
    proxy = Requests(time.time() - 3600)
    for number in range(PASSES):
        lines = [proxy.answered(f"r{number}-{each}") for each in range(EACH_PASS)]
        ends = [proxy.finished(f"open-{number - 1}")] if number else []
        begun = proxy.line("try-provider", request_id=f"open-{number}", provider="ollama", stream=False)
        append(events, *lines, *ends, begun)
        hurried.run_pass()
        patient.run_pass(rows_can_wait=True)
    assert EACH_PASS * 3 >= WAITING_RECORDS_MIN
    assert 0 < patient.published.backlog < PASSES, "some wait, and some are left out"
    patient.build_rows()
    assert rows(patient) == rows(hurried)
    assert len(rows(patient)) == REQUESTS_MAX + 1, "the last one is open"
    hurried.kill()
    patient.kill()


def test_few_events_become_rows_at_once(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    engine = EngineRig(events, state=tmp_path / "state.db")
    append(events, Requests(time.time()).answered("r1"))
    engine.run_pass(rows_can_wait=True)
    assert engine.published.backlog == 0
    assert len(rows(engine)) == 1
    engine.kill()


def test_rows_are_made_once_they_are_read(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    open_sources = partial(Sources, [events])
    opening = Opening(tmp_path / "exporter.db", create_tables=tables.create)
    engine = Engine(opening, open_sources, on_end=lambda _: None)
    engine.start()
    proxy = Requests(time.time() - 3600)
    numbers = count()

    def backlog_after_many_events() -> int:
        append(events, *(proxy.answered(f"r{next(numbers)}") for _ in range(WAITING_RECORDS_MIN)))
        engine.next_pass().result(30)
        return engine.published.backlog

    try:
        eventually(lambda: backlog_after_many_events() > 1)
        engine.want_rows()
        eventually(lambda: backlog_after_many_events() == 0)
    finally:
        engine.stop()


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], 0),
        ([Ended(1, "10:00", "10:01")], 0),
        ([Ended(9, "10:00", "10:01"), Ended(2, "10:01", "10:02")], 0),
        ([Ended(9, "10:00", "10:01"), Ended(2, "10:01", "10:02"), Ended(1, "10:02", "10:02")], 1),
        ([Ended(0, "", ""), Ended(3, "10:01", "10:02")], 1),
        ([Ended(1, "10:00", "10:01")] * 2 + [Ended(3, "10:01", "10:02")], 2),
        # What ended before it does not take its place: another file was read late.
        ([Ended(9, "10:00", "10:01"), Ended(3, "09:00", "10:05")], 0),
    ],
)
def test_those_are_left_out_after_which_as_many_end_as_are_kept(entries: list[Ended], expected: int) -> None:
    assert out_of_reach(entries, requests_max=3) == expected
