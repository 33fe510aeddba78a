"""Which files are rotated ones, by their names and by how they grow."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coderouter_exporter.tail.compression import SUFFIXES
from coderouter_exporter.tail.names import RULES, is_rotated, is_sibling
from support.exporter.engine import EngineRig, is_exact
from support.exporter.process import append, tried
from support.exporter.rotation import rotate
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]
EVENTS = Path("/log/events.jsonl")


@pytest.mark.parametrize("name", [name for rule in RULES for name in rule.examples])
@pytest.mark.parametrize("suffix", ["", *SUFFIXES])
def test_the_names_of_each_rule_are_siblings(name: str, suffix: str) -> None:
    assert is_sibling(name + suffix, EVENTS)


@pytest.mark.parametrize(
    "name",
    [
        "events-2.jsonl",
        "events_8080.jsonl",
        "events.8080.jsonl",
        "events-prod.jsonl",
        "events2.jsonl",
        "events-20269999.jsonl",
        "events.jsonl.bak",
        "events.jsonl.alive",
        "events.jsonl.3f2a.spill",
        "events.jsonl.db",
    ],
)
def test_names_that_no_rotation_makes_are_not_siblings(name: str) -> None:
    assert not is_sibling(name, EVENTS)


@pytest.mark.parametrize(
    "name", ["events.jsonl.alive", "events.jsonl.3f2a.spill", "exporter.db", "exporter.db.lock"]
)
def test_no_glob_makes_our_own_files_event_files(name: str) -> None:
    assert is_rotated(name)
    assert not is_sibling(name, EVENTS, ["*"])


@pytest.mark.parametrize("glob", ["archived-{name}-*", "archived-{stem}.*", "archived*"])
def test_a_glob_names_other_siblings(start: Start, writer: Writer, events: Path, glob: str) -> None:
    writer.write(count=2)
    events.rename(events.with_name("archived-events.jsonl-a"))
    writer.reopen()
    writer.write()
    assert start().tries() == 1
    assert is_exact(start(rotated_globs=[glob]), 3)


@pytest.mark.parametrize("name", ["events-2.jsonl", "events_8080.jsonl", "events.1.jsonl", "events.jsonl.1"])
def test_the_event_file_of_another_proxy_is_not_counted(
    start: Start, writer: Writer, events: Path, name: str
) -> None:
    """It has a name that no rotation makes, or a liveness lock of its own."""
    other = events.with_name(name)
    if name in ("events.1.jsonl", "events.jsonl.1"):
        other.with_name(name + ".alive").touch()
    writer.write(count=10)
    append(other, *(tried(writer="other", seq=seq) for seq in range(1, 1001)))
    engine = start()
    assert is_exact(engine, 10)
    append(other, tried(writer="other", seq=1001))
    assert is_exact(engine, 10)


def test_a_file_that_grows_under_its_own_name_after_it_was_read_is_no_rotated_one(
    start: Start, writer: Writer, events: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = events.with_name("events.2.jsonl")
    writer.write(count=10)
    append(other, tried(writer="other", seq=1))
    engine = start()
    assert is_exact(engine, 11)
    for seq in range(2, 5):
        append(other, tried(writer="other", seq=seq))
        engine = start() if seq == 4 else engine
        shown = engine.scrape()
        assert shown["coderouter_requests_total", ()] == 11
        assert shown["cr_exporter_doubts", ("not_rotated",)] == 1
        assert shown["cr_exporter_exact", ()] == 0
        assert shown["cr_exporter_bytes_behind", ()] == 0
    reason = f"it grows, so it is no rotated file of {events}; give it another name"
    assert caplog.messages.count(f"skipping {other}: {reason}") == 2, "once after each start"


def test_the_late_lines_of_our_own_writer_count(start: Start, writer: Writer, events: Path) -> None:
    """The file was rotated before the exporter started, and its writer has not noticed yet."""
    writer.write(count=3)
    rotate(events)
    Writer(events).write()
    engine = start()
    assert is_exact(engine, 4)
    writer.write()
    assert engine.scrape()["cr_exporter_exact", ()] == 0, "it may be the writer of another event file"
    writer.reopen()
    writer.write()
    engine.scrape()
    assert is_exact(engine, 6)
