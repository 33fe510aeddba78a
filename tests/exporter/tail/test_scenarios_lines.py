"""Which lines count, and files that appear only after the exporter has started."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coderouter_events.events import LINE_BYTES_MAX
from coderouter_exporter.records.decode import READ_BYTES_MAX
from support.exporter.engine import EngineRig, Samples
from support.exporter.process import append, tried
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]


def lines(shown: Samples, result: str) -> float:
    return shown["cr_exporter_lines_total", (result,)]


def test_lines_appended_after_the_start_are_counted(start: Start, writer: Writer, events: Path) -> None:
    events.touch()
    engine = start()
    assert engine.tries() == 0
    writer.write(count=3)
    assert engine.tries() == 3


def test_lines_written_before_the_first_start_are_counted(start: Start, writer: Writer) -> None:
    writer.write(count=3)
    assert start().tries() == 3


def test_a_line_written_in_two_halves_is_counted_once(start: Start, writer: Writer) -> None:
    """Between the halves it is neither counted nor rejected, only shown as bytes behind."""
    engine = start()
    writer.write_half()
    for _ in range(3):
        shown = engine.scrape()
        assert lines(shown, "json") == 0
        assert shown["cr_exporter_bytes_behind", ()] > 0
    writer.finish_half()
    assert engine.tries() == 1
    assert lines(engine.shown(), "json") == 0


def test_a_line_without_its_newline_is_not_counted_yet(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried().rstrip(b"\n"))
    engine = start()
    assert engine.tries() == 0
    append(events, b"\n")
    assert engine.tries() == 1


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 191])
def test_where_the_data_is_cut_makes_no_difference(start: Start, events: Path, size: int) -> None:
    """The same lines arrive in pieces of every size, also within a CRLF or a character of several bytes."""
    events.parent.mkdir()
    whole = b"".join(tried(name).replace(b"\n", b"\r\n") for name in ("ascii", "é", "日本", "😀")) * 2
    engine = start()
    for at in range(0, len(whole), size):
        append(events, whole[at : at + size])
        engine.run_pass()
    assert [engine.tries(name) for name in ("ascii", "é", "日本", "😀")] == [2, 2, 2, 2]


def test_empty_lines_are_not_events(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, b"\n", tried(), b"\n\n\n", tried(), b"\r\n")
    engine = start()
    assert engine.tries() == 2
    assert lines(engine.shown(), "empty") == 5
    assert engine.shown()["cr_exporter_bytes_behind", ()] == 0


def test_one_write_of_many_lines_counts_each(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried() * 1000)
    assert start().tries() == 1000


def test_a_line_that_is_not_utf8_is_rejected_and_the_next_one_counts(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried(), tried().replace(b"local", b"lo\xffcal"), tried())
    engine = start()
    assert engine.tries() == 2
    assert lines(engine.shown(), "utf8") == 1


def test_lines_that_are_not_json_objects_are_rejected(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried(), b"garbage\n", tried(), b"[1]\n")
    engine = start()
    assert engine.tries() == 2
    assert (lines(engine.shown(), "json"), lines(engine.shown(), "object")) == (1, 1)


def test_a_line_over_the_size_limit_is_rejected_and_the_next_one_counts(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried(), tried(padding="x" * LINE_BYTES_MAX), tried())
    engine = start()
    assert engine.tries() == 2
    assert lines(engine.shown(), "oversize") == 1


def test_a_line_that_grows_past_the_size_limit_is_rejected_once(start: Start, events: Path) -> None:
    """It grows over several passes and ends only after a restart."""
    events.parent.mkdir()
    engine = start()
    append(events, tried())
    for _ in range(5):
        append(events, b"x" * (READ_BYTES_MAX // 2))
        engine.run_pass()
    engine = start()
    append(events, b"\n", tried())
    assert engine.tries() == 2
    assert lines(engine.shown(), "oversize") == 1


def test_a_byte_order_mark_is_ignored(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, b"\xef\xbb\xbf", tried(), tried())
    engine = start()
    assert engine.tries() == 2
    assert lines(engine.shown(), "json") == 0


def test_a_whole_line_behind_a_torn_one_counts(start: Start, writer: Writer, events: Path) -> None:
    """A writer is killed within a line, and another one appends right behind what it left."""
    writer.write()
    writer.write_half()
    other = Writer(events)
    append(events, tried(writer=other.name, seq=1))  # a descriptor opened before the tear adds no newline
    engine = start()
    assert engine.tries() == 2
    assert lines(engine.shown(), "torn") == 1
    assert engine.shown()["cr_exporter_exact", ()] == 1, "a half event of a killed writer never happened"


def test_a_file_created_after_the_start_is_read(start: Start, writer: Writer) -> None:
    engine = start()
    assert engine.scrape()["cr_exporter_source_readable", (str(writer.path),)] == 0
    writer.write(count=2)
    assert engine.tries() == 2
    assert engine.shown()["cr_exporter_source_readable", (str(writer.path),)] == 1


def test_a_folder_created_after_the_start_is_read(start: Start, events: Path) -> None:
    engine = start()
    assert engine.tries() == 0
    events.parent.mkdir()
    assert engine.tries() == 0
    append(events, tried(), tried())
    assert engine.tries() == 2


def test_thousands_of_lines_across_a_restart_are_counted_exactly(start: Start, writer: Writer) -> None:
    writer.write(count=1500)
    assert start().tries() == 1500
    writer.write(count=1000)
    engine = start()
    writer.write(count=1500)
    assert engine.tries() == 4000
    assert engine.shown()["cr_exporter_exact", ()] == 1


def test_lines_without_a_number_are_counted_as_unproven(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried(), tried(writer="w", seq=1))
    shown = start().scrape()
    assert shown["cr_exporter_unproven_lines_total", ()] == 1
    assert shown["cr_exporter_exact", ()] == 0


def test_a_number_that_never_comes_is_missing_until_it_does(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried(writer="w", seq=1), tried(writer="w", seq=4))
    engine = start()
    assert engine.scrape()["cr_exporter_events_missing", ()] == 2
    assert engine.shown()["cr_exporter_exact", ()] == 0
    append(events, tried(writer="w", seq=3), tried(writer="w", seq=2))
    assert engine.scrape()["cr_exporter_events_missing", ()] == 0
    assert engine.shown()["cr_exporter_exact", ()] == 1
