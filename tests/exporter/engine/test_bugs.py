"""A bug in the exporter costs at most the line that it is about: the rest counts, and the log and a metric say so."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from coderouter_exporter.engine import careful, counting
from coderouter_exporter.engine.loop import Engine, NothingWorks
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.rows import pending, requests, tables
from coderouter_exporter.rows.pending import Pending
from coderouter_exporter.state.errors import StateError
from coderouter_exporter.state.opening import Opening
from coderouter_exporter.state.state import State
from coderouter_exporter.tail.content import Step
from coderouter_exporter.tail.sources import Sources
from support.exporter.engine import Samples
from support.exporter.process import samples
from support.exporter.writers import Writer
from support.processes import eventually

Start = Callable[..., Engine]


class Bug(Exception):
    pass


class Bugs:
    """Raises at each step of this name while it is set."""

    def __init__(self) -> None:
        self.at = ""
        self.raised = 0

    def __call__(self, step: str) -> None:
        if step == self.at:
            self.raised += 1
            raise Bug


@pytest.fixture
def ended() -> list[StateError | NothingWorks]:
    return []


@pytest.fixture
def start(
    events: Path, tmp_path: Path, ended: list[StateError | NothingWorks]
) -> Iterator[Callable[..., Engine]]:
    """Return what starts an engine with its thread."""
    engines: list[Engine] = []

    def start(step: Step, **options: Any) -> Engine:
        open_sources = partial(Sources, [events], step=step)
        opening = Opening(tmp_path / "exporter.db", create_tables=tables.create)
        engines.append(Engine(opening, open_sources, on_end=ended.append, step=step, **options))
        engines[-1].start()
        return engines[-1]

    yield start
    for engine in engines:
        engine.stop()


def shown(engine: Engine) -> Samples:
    engine.next_pass().result(30)
    published = engine.published
    view = View(state=published.document.decode(), now_ts=0.0, published=published)
    return samples(render(view, Format.TEXT).decode())


def tries(engine: Engine) -> float:
    return shown(engine)["coderouter_requests_total", ()]


def is_ready(engine: Engine) -> bool:
    return engine.published.ready


def has_failed_twice(engine: Engine, bugs: Bugs) -> bool:
    engine.next_pass().result(30)
    return bugs.raised > 1


@pytest.mark.parametrize("step", ["opened", "read", "folded", "encoded", "committed"])
def test_a_pass_that_fails_at_any_step_is_repeated_from_the_last_commit(
    start: Start, writer: Writer, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    bugs = Bugs()
    writer.write(count=3)
    engine = start(bugs)
    eventually(lambda: tries(engine) == 3)
    bugs.at = step
    if step == "opened":
        writer.path.rename(writer.path.with_name("events.jsonl.1"))
        writer.reopen()
    writer.write(count=2)
    eventually(lambda: has_failed_twice(engine, bugs))
    assert not is_ready(engine)
    assert shown(engine)["cr_exporter_exact", ()] == 0
    bugs.at = ""
    eventually(lambda: tries(engine) == 5)
    now = shown(engine)
    assert is_ready(engine)
    assert now["cr_exporter_internal_errors_total", ("pass",)] == bugs.raised
    assert now["cr_exporter_exact", ()] == 1
    assert now["cr_exporter_duplicates_suppressed_total", ()] == 0
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == bugs.raised
    assert all(record.exc_info for record in errors)


def test_a_line_that_cannot_be_counted_is_skipped_and_the_others_count(
    start: Start, writer: Writer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def buggy(state: State, chunk: Chunk, read_ts: float, rows: Pending) -> None:
        fold(state, chunk, read_ts, rows)
        if b"poison" in chunk.data:
            raise Bug

    for module in (counting, careful):
        monkeypatch.setattr(module, "fold", buggy)
    writer.write(count=40)
    writer.write("poison", count=2)
    writer.write(count=30)
    writer.write("poison")
    engine = start(Bugs())
    eventually(lambda: tries(engine) == 70)
    now = shown(engine)
    assert now["cr_exporter_internal_errors_total", ("line",)] == 3
    assert now["cr_exporter_events_missing", ()] == 2, "nothing came after the last one"
    assert now["cr_exporter_exact", ()] == 0
    assert engine.published.ready
    assert caplog.text.count("skipping a line that cannot be counted") == 3
    writer.write()
    eventually(lambda: tries(engine) == 71)


def test_a_value_that_cannot_be_kept_costs_only_its_line(
    start: Start, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def buggy(state: State, chunk: Chunk, read_ts: float, rows: Pending) -> None:
        fold(state, chunk, read_ts, rows)
        if b"poison" in chunk.data:
            state.month = "\ud800"

    for module in (counting, careful):
        monkeypatch.setattr(module, "fold", buggy)
    writer.write(count=4)
    writer.write("poison")
    writer.write(count=3)
    engine = start(Bugs())
    eventually(lambda: tries(engine) == 7)
    assert shown(engine)["cr_exporter_internal_errors_total", ("line",)] == 1


@pytest.mark.parametrize("direct", [1000, 0])
def test_rows_that_cannot_be_written_keep_nothing_from_being_counted(
    start: Start,
    writer: Writer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    direct: int,
) -> None:
    def buggy(*_: object) -> None:
        raise Bug

    monkeypatch.setattr(requests, "write", buggy)
    monkeypatch.setattr(pending, "DIRECT_RECORDS_MAX", direct)
    writer.write(count=4)
    engine = start(Bugs())
    eventually(lambda: tries(engine) == 4 and not engine.published.backlog)
    assert engine.published.ready
    assert "leaving out requests" in caplog.text
    monkeypatch.undo()
    writer.write()
    eventually(lambda: tries(engine) == 5)


def test_when_nothing_has_worked_for_long_it_ends(
    start: Start, writer: Writer, ended: list[StateError | NothingWorks]
) -> None:
    writer.write()
    bugs = Bugs()
    bugs.at = "folded"
    start(bugs, failing_s_max=0.5)
    eventually(lambda: ended)
    assert isinstance(ended[0], NothingWorks)
    assert bugs.raised > 1
