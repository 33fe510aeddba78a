"""The rows and the counts of a state file always agree, also when it is older or damaged."""

import os
import sqlite3
import time
from pathlib import Path

import pytest

from coderouter_exporter.queries import requests, spend
from coderouter_exporter.queries.filters import Filters, Page
from coderouter_exporter.rows import backlog, pending
from coderouter_exporter.rows.tables import drop
from support.exporter.engine import EngineRig
from support.exporter.process import append, line
from support.exporter.sample_events import startup, utc

NOW = time.time()


def begun(number: int, writer: str = "w", ts: float = NOW) -> bytes:
    return line(
        "try-provider",
        ts=utc(ts),
        writer=writer,
        seq=2 * number,
        request_id=f"r{number}",
        provider="a",
        stream=False,
    )


def ended(number: int, writer: str = "w", ts: float = NOW) -> bytes:
    return line(
        "request-finished", ts=utc(ts), writer=writer, seq=2 * number + 1, request_id=f"r{number}", provider="a",
        outcome="ok", attempts=1, cost_usd=0.5, duration_s=1.0,
    )  # fmt: skip


def execute(state: Path, *statements: str) -> None:
    db = sqlite3.connect(state)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def outcomes(engine: EngineRig) -> dict[str, str]:
    page = engine.read(lambda db: requests.requests(db, Filters(), Page(), 100))
    return {row["request_id"]: row["outcome"] for row in page["requests"]}


def spent(engine: EngineRig) -> tuple[int, float]:
    found = engine.read(lambda db: spend.spend(db, ("day",), None, None))
    return sum(entry["requests"] for entry in found), sum(entry["cost_usd"] for entry in found)


def test_an_older_state_gets_empty_tables_and_continues(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    append(events, begun(1), ended(1))
    engine = EngineRig(events, state=state)
    assert engine.tries("a") == 1
    engine.kill()
    db = sqlite3.connect(state)
    drop(db)
    db.execute("PRAGMA user_version=3")
    db.close()
    engine = EngineRig(events, state=state)
    assert (engine.tries("a"), outcomes(engine), spent(engine)) == (1, {}, (0, 0))
    append(events, begun(2), ended(2))
    assert (engine.tries("a"), outcomes(engine), spent(engine)) == (2, {"r2": "ok"}, (1, 0.5))
    engine.kill()


def test_what_a_damaged_generation_had_added_is_taken_back_and_added_again(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    engine = EngineRig(events, state=state)
    append(events, begun(1), ended(1))
    engine.run_pass()
    append(events, begun(2), ended(2))
    engine.run_pass()
    assert spent(engine) == (2, 1.0)
    engine.kill()
    execute(state, "UPDATE generation SET document = 'X' WHERE id = (SELECT max(id) FROM generation)")
    engine = EngineRig(events, state=state)
    append(events, begun(3), ended(3))
    assert engine.tries("a") == 3
    assert (spent(engine), outcomes(engine)) == ((3, 1.5), {"r1": "ok", "r2": "ok", "r3": "ok"})
    engine.kill()


@pytest.mark.parametrize("table", ["day", "request"])
def test_damaged_rows_are_given_up_and_the_counts_continue(tmp_path: Path, table: str) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    append(events, begun(1), ended(1))
    engine = EngineRig(events, state=state)
    engine.run_pass()
    engine.kill()
    execute(state, f"DROP TABLE {table}", f"CREATE TABLE {table} (writer, outcome, at, request_id, session)")
    engine = EngineRig(events, state=state)
    append(events, begun(2), ended(2))
    assert engine.tries("a") == 2
    append(events, begun(3), ended(3))
    assert (engine.tries("a"), outcomes(engine), spent(engine)) == (3, {"r2": "ok", "r3": "ok"}, (2, 1.0))
    engine.kill()


def test_a_request_of_a_killed_process_is_lost_once_its_successor_is_heard_for_a_minute(
    tmp_path: Path,
) -> None:
    events = tmp_path / "events.jsonl"
    engine = EngineRig(events, state=tmp_path / "state.db")
    append(events, begun(1, "old", NOW - 100), startup(NOW - 99, "new"))
    engine.run_pass()
    engine.run_pass()
    assert outcomes(engine) == {"r1": "open"}
    append(events, line("proxy-heartbeat", ts=utc(NOW - 30), writer="new", seq=2, in_flight=0))
    engine.run_pass()
    assert outcomes(engine) == {"r1": "lost"}
    append(events, ended(1, "old", NOW - 1))
    engine.run_pass()
    assert outcomes(engine) == {"r1": "ok"}, "it was only slow"
    engine.kill()


def test_a_request_is_lost_when_nobody_holds_the_lock_and_its_process_is_silent(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    engine = EngineRig(events, state=tmp_path / "state.db")
    append(events, begun(1, ts=NOW - 100))
    engine.run_pass()
    engine.run_pass()
    assert outcomes(engine) == {"r1": "open"}, "it is not known whether a process is alive"
    (tmp_path / "events.jsonl.alive").touch()
    engine.run_pass()
    assert outcomes(engine) == {"r1": "lost"}
    engine.kill()


def test_a_time_that_cannot_be_right_counts_when_it_is_read(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    engine = EngineRig(events, state=tmp_path / "state.db")
    append(
        events, begun(1, ts=1000.0), ended(1, ts=1001.0), begun(2, ts=NOW + 10**8), ended(2, ts=NOW + 10**8)
    )
    engine.run_pass()
    page = engine.read(lambda db: requests.requests(db, Filters(since=NOW - 60), Page(), 100))
    assert page["total"] == 2
    days = engine.read(lambda db: spend.spend(db, ("day",), utc(NOW - 86400)[:10], utc(NOW + 86400)[:10]))
    assert sum(day["requests"] for day in days) == 2
    engine.kill()


def test_lines_become_rows_later_even_if_the_exporter_dies_before(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    number = pending.DIRECT_RECORDS_MAX
    append(events, *(part for at in range(number) for part in (begun(at + 1), ended(at + 1))))
    engine = EngineRig(events, state=state)
    engine.run_pass()
    assert engine.published.backlog == 1
    assert engine.read(backlog.size) == 1
    engine.kill()
    engine = EngineRig(events, state=state)
    engine.run_pass()
    engine.build_rows()
    page = engine.read(lambda db: requests.requests(db, Filters(values={"outcome": ["ok"]}), Page(), 100))
    assert (page["total"], engine.published.backlog) == (number, 0)
    engine.kill()


def test_a_request_that_is_removed_does_not_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "DIRECT_RECORDS_MAX", 0)
    events = tmp_path / "events.jsonl"
    engine = EngineRig(events, state=tmp_path / "state.db", requests_max=5)
    for number in range(1, 30):
        append(events, begun(number), *([ended(number - 1)] if number > 1 else []))
        engine.run_pass()
    assert engine.published.backlog == 5, "the others are left out"
    engine.build_rows()
    assert outcomes(engine) == {"r29": "open", **{f"r{number}": "ok" for number in range(24, 29)}}
    engine.kill()


def test_a_line_number_beyond_64_bits_leaves_out_no_request(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    odd = {"ts": utc(NOW), "writer": "x", "request_id": "odd", "provider": "a", "stream": False}
    append(events, begun(1), ended(1), *(line("try-provider", seq=seq, **odd) for seq in (2**70, -1)))
    engine = EngineRig(events, state=tmp_path / "state.db")
    engine.scrape()
    assert outcomes(engine) == {"r1": "ok", "odd": "open"}


def test_rows_in_a_damaged_page_restart_once_somebody_reads_them(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    append(events, begun(1), ended(1))
    engine = EngineRig(events, state=state)
    engine.scrape()
    db = sqlite3.connect(state)
    (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'request_at'").fetchone()
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with state.open("r+b") as file:
        file.seek((page - 1) * page_bytes)
        file.write(b"\xff" * page_bytes)
    engine.kill()
    engine = EngineRig(events, state=state)
    with pytest.raises(sqlite3.DatabaseError):
        outcomes(engine)
    for number in range(2, 6):
        append(events, begun(number), ended(number))
        engine.scrape()
    assert engine.scrape()["coderouter_requests_total", ()] == 5
    assert outcomes(engine)["r5"] == "ok"


def test_a_state_file_that_is_emptied_while_it_runs_is_written_again(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "state.db"
    append(events, begun(1), ended(1))
    engine = EngineRig(events, state=state)
    engine.scrape()
    os.truncate(state, 0)
    for number in range(2, 6):
        append(events, begun(number), ended(number))
        engine.scrape()
    engine.kill()
    again = EngineRig(events, state=state)
    assert again.published.document.decode().created_ts == 1.0
    assert again.scrape()["coderouter_requests_total", ()] == 5
