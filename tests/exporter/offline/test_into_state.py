"""`cr-exporter backfill --state`: closed files become what a running exporter would have made of them."""

import gzip
import random
import sqlite3
import time
from pathlib import Path

import pytest

from coderouter_exporter.offline.into_state import Added, add_to_state
from coderouter_exporter.records import decode
from coderouter_exporter.rows import pending
from coderouter_exporter.tail import open_file
from support.exporter.engine import EngineRig, Samples
from support.exporter.process import CR_EXPORTER, append, line, running_exporter
from support.exporter.random_traffic import Traffic
from support.run_command import run

TABLES = ("request", "day", "slot", "backlog")


def whole(engine: EngineRig) -> tuple[Samples, dict[str, list[tuple[object, ...]]]]:
    """Return the counts about the proxy and all rows."""
    counts = {key: value for key, value in engine.shown().items() if key[0].startswith("coderouter_")}
    return counts, {name: engine.read(lambda db, name=name: rows(db, name)) for name in TABLES}  # type: ignore[misc]


def rows(db: sqlite3.Connection, name: str) -> list[tuple[object, ...]]:
    columns = [column for _, column, *_ in db.execute(f"PRAGMA table_info({name})") if column != "id"]
    return sorted(db.execute(f"SELECT {', '.join(columns)} FROM {name}").fetchall(), key=repr)


@pytest.fixture
def family(tmp_path: Path) -> list[Path]:
    """Three rotated files, the oldest compressed, written over the last hours by processes that came and went."""
    traffic = Traffic(random.Random(5), time.time() - 5 * 3600)
    paths = [tmp_path / f"events.jsonl{end}" for end in (".2.gz", ".1", "")]
    for path, lines in zip(paths, (900, 40, 300), strict=True):
        text = b"".join(traffic.lines(lines)) + b"".join(traffic.pause(3600))
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return paths


def live(path: Path, state: Path, requests_max: int = 20_000) -> EngineRig:
    engine = EngineRig(path, state=state, requests_max=requests_max)
    for _ in range(2):
        engine.run_pass()
        engine.build_rows()
    return engine


@pytest.mark.parametrize("requests_max", [30, 20_000])
def test_counts_and_rows_are_those_of_reading_and_a_second_time_adds_nothing(
    family: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requests_max: int
) -> None:
    for module in (decode, open_file):
        monkeypatch.setattr(module, "READ_BYTES_MAX", 30_000)
    monkeypatch.setattr(pending, "DIRECT_RECORDS_MAX", 60)
    read = live(family[-1], tmp_path / "read.db", requests_max)
    expected = whole(read)
    read.kill()
    state = tmp_path / "filled.db"
    added = add_to_state(reversed(family), state, requests_max=requests_max)
    assert (added.events > 1000, added.files) == (True, 3)
    assert add_to_state(family, state, requests_max=requests_max) == Added(0, 0)
    filled = EngineRig(state=state, requests_max=requests_max)
    assert whole(filled) == expected
    assert len(expected[1]["request"]) >= min(requests_max, 100)
    assert expected[1]["backlog"] == []
    filled.kill()


@pytest.mark.parametrize("numbers", [True, False])
def test_an_exporter_continues_where_a_backfill_ended_and_the_other_way_round(
    tmp_path: Path, *, numbers: bool
) -> None:
    def tries(first: int, last: int) -> bytes:
        named = {"writer": "w"} if numbers else {}
        return b"".join(
            line("try-provider", provider="local", seq=n, **named) for n in range(first, last + 1)
        )

    path, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    path.with_name("events.jsonl.1").write_bytes(tries(1, 7))
    path.write_bytes(tries(8, 10))
    assert add_to_state(tmp_path.glob("events*"), state) == Added(10, 2)
    engine = EngineRig(path, state=state)
    assert engine.tries() == 10
    append(path, tries(11, 12))
    assert engine.tries() == 12
    assert engine.shown()["cr_exporter_duplicates_suppressed_total", ()] == 0
    engine.kill()
    append(path, tries(13, 13).rstrip())
    assert add_to_state([path], state) == Added(1, 1)


def test_the_command_says_what_it_added_or_why_it_cannot(tmp_path: Path) -> None:
    path, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    path.write_bytes(line("try-provider", provider="local"))

    def backfill(*options: str) -> tuple[int, str]:
        command: tuple[str | Path, ...] = (CR_EXPORTER, "backfill", "--state", state, *options, path)
        ended = run(command)
        return ended.code, ended.stdout + ended.stderr

    assert backfill() == (0, f"1 event added to {state}\n")
    assert backfill() == (
        0,
        f"nothing added to {state}: there is no event in the files that was not counted before\n",
    )
    code, said = backfill("--label", "job=x")
    assert (code, "leave it out with --state" in said) == (2, True)
    with running_exporter(path, state=state):
        code, said = backfill()
        assert (code, "in use by another cr-exporter" in said) == (3, True)
