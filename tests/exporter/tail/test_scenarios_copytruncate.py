"""Copytruncate while the exporter is running."""

import os
from collections.abc import Callable
from pathlib import Path

from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX
from support.exporter.engine import EngineRig, is_exact
from support.exporter.logrotate import Logrotate
from support.exporter.process import append, tried
from support.exporter.rotation import copytruncate
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]


def rotations(engine: EngineRig, kind: str) -> float:
    return engine.shown()["cr_exporter_rotations_total", (kind,)]


def test_copytruncate_by_logrotate_loses_nothing(
    start: Start, writer: Writer, events: Path, tmp_path: Path
) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events, "rotate 9\ncopytruncate")
    engine = start()
    for round_ in range(1, 5):
        writer.write(count=3)
        assert is_exact(engine, 4 * round_ - 1)
        assert logrotate.rotate()[1]
        writer.write()
        assert is_exact(engine, 4 * round_)
    assert rotations(engine, "copytruncate") == 4


def test_lines_not_read_before_copytruncate_are_read_from_the_copy(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    writer.write(count=4)
    copytruncate(events)
    writer.write(count=2)
    assert is_exact(engine, 7)


def test_a_truncated_file_that_grew_past_the_offset_is_read_from_its_start(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write(count=3)
    assert is_exact(engine, 3)
    writer.write()
    copytruncate(events)
    writer.write(count=30)
    assert is_exact(engine, 34)
    assert rotations(engine, "copytruncate") == 1


def test_a_truncated_file_that_grew_again_with_the_same_first_bytes_is_read_from_its_start(
    start: Start, events: Path
) -> None:
    """Only the bytes before the offset differ: the first 4 KiB, which identify the file, are the same."""
    events.parent.mkdir()
    preamble = [tried(note=number) for number in range(40)]
    assert len(b"".join(preamble)) > HEAD_BYTES_MAX
    append(events, *preamble, *(tried(note=f"a{number}") for number in range(10)))
    engine = start()
    assert engine.tries() == 50
    os.truncate(events, 0)
    append(events, *preamble, *(tried(note=f"b{number}") for number in range(20)))
    assert engine.tries() == 110
    assert engine.tries() == 110


def test_what_was_read_from_a_file_truncated_meanwhile_is_discarded(
    start: Start, writer: Writer, events: Path
) -> None:
    """The file is copied, truncated and written again between a read and its fold."""

    def cut_once(step: str) -> None:
        if step == "read" and not copied:
            copied.append(copytruncate(events))
            writer.write(count=50)

    copied: list[Path] = [events]
    engine = start(step=cut_once)
    writer.write(count=3)
    assert is_exact(engine, 3)
    writer.write(count=5)
    copied.clear()
    assert is_exact(engine, 58)
    assert copied


def test_nul_bytes_left_by_a_writer_without_append_mode_are_skipped(start: Start, events: Path) -> None:
    """After copytruncate such a writer continues at its old offset, and the file begins with a hole of NULs."""
    events.parent.mkdir()
    with events.open("wb", buffering=0) as not_appending:
        not_appending.write(tried(writer="w", seq=1))
        engine = start()
        assert is_exact(engine, 1)
        copytruncate(events)
        not_appending.seek(3_000_000)
        not_appending.write(tried(writer="w", seq=2))
        assert is_exact(engine, 2)
        assert engine.shown()["cr_exporter_nul_bytes_skipped_total", ()] == 3_000_000
