"""Whatever happens to the exporter, its rows equal a plain recount of the event files."""

import random
import time
from pathlib import Path

import pytest

from coderouter_exporter.queries import requests, sessions, slots
from coderouter_exporter.queries.filters import Filters, Page
from coderouter_exporter.records import decode
from coderouter_exporter.rows import pending
from coderouter_exporter.rows.tables import DAY_KEY, NUMBERS, SLOT_NUMBERS
from coderouter_exporter.tail import open_file
from coderouter_exporter.tail.content import Step, no_step
from support.exporter import recount
from support.exporter.engine import EngineRig
from support.exporter.process import append
from support.exporter.random_traffic import Traffic

HOUR_S = 3600
EVERYTHING = Page(sort="time", limit=1_000_000)
SPAN_S = 900
"""The traffic without pauses takes less."""


class Killed(BaseException):
    pass


class Killing:
    """Kills the exporter at a random step now and then."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(self, _: str) -> None:
        if self._chance.random() < 0.05:
            raise Killed


def run(folder: Path, chance: random.Random, begin: float, most: int) -> tuple[EngineRig, list[Path]]:
    """Write, rotate, read, die and restart; return an exporter that has read everything, and the files."""
    path, files = folder / "events.jsonl", list[Path]()
    traffic = Traffic(chance, begin)
    killing = Killing(chance)
    engine: EngineRig | None = None
    for _ in range(12):
        append(path, *traffic.lines(chance.choice((3, 40, 600))))
        if chance.random() < 0.3 and (free_s := time.time() - traffic.now - SPAN_S) > 0:
            append(path, *traffic.pause(chance.random() * free_s))
        if chance.random() < 0.3:
            files.append(path.rename(folder / f"events.jsonl.{len(files) + 1}"))
            path.touch()
        try:
            engine = engine or rig(folder, most, killing)
            engine.run_pass()
            if chance.random() < 0.5:
                engine.build_rows()
        except Killed:
            if engine is not None:
                engine.kill()
            engine = None
    if engine is not None:
        engine.kill()
    engine = rig(folder, most)
    engine.run_pass()
    engine.build_rows()
    return engine, [*files, path]


def rig(folder: Path, most: int, step: Step = no_step) -> EngineRig:
    return EngineRig(
        folder / "events.jsonl", state=folder / "state.db", requests_max=most, commit_every_s=0.0, step=step
    )


def assert_requests_equal(
    engine: EngineRig, events: list[recount.Fields], most: int
) -> dict[str, recount.Fields]:
    """Compare the requests with a recount of these events; return the recount."""
    page = engine.read(lambda db: requests.requests(db, Filters(), EVERYTHING, most))
    expected = recount.requests(events, most)
    shown = {row["request_id"]: row for row in page["requests"]}
    assert shown.keys() == expected.keys()
    for request_id, row in expected.items():
        found = shown[request_id]
        tries = [
            {name: entry[name] for name in ("provider", "result", "duration_s")} for entry in found["tries"]
        ]
        steps = engine.read(lambda db, name=request_id: requests.request(db, name))  # type: ignore[misc]
        assert steps is not None
        names = row.keys() - {"at", "tries", "repaired", "steps"}
        assert {name: found[name] for name in names} == {name: row[name] for name in names}
        assert (tries, len(steps["steps"])) == (row["tries"], row["steps"])
    return expected


@pytest.mark.parametrize("seed", range(12))
def test_rows_equal_a_recount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    if seed % 2:
        monkeypatch.setattr(pending, "DIRECT_RECORDS_MAX", 30)
    now = time.time()
    begin = now - chance.choice((1, 5, 50, 800)) * HOUR_S
    most = chance.choice((20, 100_000))
    engine, files = run(tmp_path, chance, begin, most)
    events = recount.lines(files)
    assert len(events) > 400

    expected = assert_requests_equal(engine, events, most)

    found_sessions = engine.read(lambda db: sessions.sessions(db, Filters(), EVERYTHING))["sessions"]
    expected_sessions = recount.sessions(expected.values())
    assert {
        entry["session"]: {name: entry[name] for name in expected_sessions[entry["session"]]}
        for entry in found_sessions
    } == expected_sessions

    expected_days = recount.days(events)
    columns = ("requests", "micro_usd", "unknown_cost", "fallbacks", *recount.TOKENS)
    days = engine.read(lambda db: db.execute(f"SELECT {', '.join((*DAY_KEY, *columns))} FROM day").fetchall())
    assert {row[:6]: dict(zip(columns, row[6:], strict=True)) for row in days} == expected_days
    assert set(columns) <= set(NUMBERS)

    for hours in (24, 720):
        wanted = slots.Range(hours, time.time())
        by_provider = engine.read(lambda db, wanted=wanted: slots.by_provider(db, wanted))  # type: ignore[misc]
        expected_slots = recount.providers(events, wanted.starts[0] * 60)
        for provider, numbers in expected_slots.items():
            own = dict(zip(SLOT_NUMBERS, by_provider[provider].numbers, strict=True))
            assert {name: own[name] for name in numbers} == numbers
    engine.kill()


@pytest.mark.parametrize("commit_every_s", [0.0, 1e9])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("waited", [False, True])
def test_of_a_long_file_the_newest_requests_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, commit_every_s: float, waited: bool
) -> None:
    for module in (decode, open_file):
        monkeypatch.setattr(module, "READ_BYTES_MAX", 10_000)
    monkeypatch.setattr(pending, "DIRECT_RECORDS_MAX", 0)
    monkeypatch.setattr(pending, "REACH_BYTES_MIN", 0)
    most, path = 20, tmp_path / "events.jsonl"
    lines = list(Traffic(random.Random(seed), time.time() - HOUR_S).lines(1500))
    if waited:  # as those of the exporter before, which has ended
        append(path, *lines[:50])
        engine = EngineRig(path, state=tmp_path / "state.db", requests_max=most)
        engine.run_pass()
        assert engine.published.backlog
        engine.kill()
    append(path, *(lines[50:] if waited else lines))
    engine = EngineRig(path, state=tmp_path / "state.db", requests_max=most, commit_every_s=commit_every_s)
    engine.build_rows()
    engine.run_pass()
    assert 1 < engine.published.backlog < path.stat().st_size / 10_000 / 2, "most was skipped"
    engine.build_rows()
    assert_requests_equal(engine, recount.lines([path]), most)
    engine.kill()
