"""Rotation while the exporter is running, by renaming and by replacing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.exporter.engine import EngineRig, is_exact
from support.exporter.logrotate import Logrotate
from support.exporter.process import append, tried
from support.exporter.rotation import rotate
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]


def rotations(engine: EngineRig, kind: str) -> float:
    return engine.shown()["cr_exporter_rotations_total", (kind,)]


def test_a_renamed_file_and_its_successor_are_both_counted(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    rotate(events)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 2)
    assert rotations(engine, "rename") == 1


def test_logrotate_with_create_loses_nothing(
    start: Start, writer: Writer, events: Path, tmp_path: Path
) -> None:
    """The writer keeps writing to the renamed file for a while, and older files are compressed."""
    logrotate = Logrotate(tmp_path / "logrotate", events, "rotate 3\ncreate\ncompress\ndelaycompress")
    engine = start()
    events.touch()
    assert is_exact(engine, 0)
    for round_ in range(1, 6):
        writer.write(count=10)
        assert logrotate.rotate()[1]
        writer.write()  # on the old descriptor
        writer.reopen()
        assert is_exact(engine, 11 * round_)
    assert rotations(engine, "rename") == 5
    assert is_exact(start(), 55)


def test_nothing_is_lost_while_no_file_is_at_the_path(start: Start, writer: Writer, events: Path) -> None:
    """The file is renamed and no new one is created until the writer reopens."""
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    rotate(events)
    assert is_exact(engine, 1)
    assert engine.shown()["cr_exporter_source_readable", (str(events),)] == 0
    writer.write()
    assert is_exact(engine, 2)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 3)


def test_lines_written_to_a_renamed_file_are_counted(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    rotate(events)
    other = Writer(events)
    other.write()
    assert is_exact(engine, 2)
    writer.write(count=2)
    assert is_exact(engine, 4)
    other.close()


def test_lines_written_to_a_renamed_file_after_it_was_closed_are_counted(
    start: Start, writer: Writer, events: Path
) -> None:
    """The exporter closes a rotated file after a grace time, and opens it again when it grows."""
    engine = start(late_writer_s=0.0)
    writer.write()
    assert is_exact(engine, 1)
    rotate(events)
    other = Writer(events)
    other.write()
    for _ in range(3):
        assert is_exact(engine, 2)
    assert len(engine.sources.tails[0]._files.open) == 1, "the rotated file is closed"
    writer.write()
    assert is_exact(engine, 3)
    other.close()


def test_lines_written_to_a_removed_file_after_it_was_closed_are_reported_missing(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start(late_writer_s=0.0)
    writer.write()
    assert is_exact(engine, 1)
    rotate(events).unlink()
    other = Writer(events)
    other.write()
    for _ in range(3):
        assert is_exact(engine, 2)
    writer.write()  # to a file that can no longer be opened
    writer.reopen()
    writer.write()
    shown = engine.scrape()
    assert shown["coderouter_requests_total", ()] == 3
    assert shown["cr_exporter_events_missing", ()] == 1
    assert shown["cr_exporter_exact", ()] == 0
    other.close()


def test_unread_lines_of_a_renamed_file_are_counted(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    writer.write(count=5)
    rotate(events)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 7)


def test_a_half_line_at_the_end_of_a_renamed_file_is_discarded_until_its_rest_comes(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start(late_writer_s=0.0)
    writer.write()
    writer.write_half()
    assert is_exact(engine, 1)
    rotate(events)
    other = Writer(events)
    other.write()
    for _ in range(3):
        assert is_exact(engine, 2)
    assert engine.shown()["cr_exporter_lines_total", ("partial",)] == 1
    writer.finish_half()
    assert is_exact(engine, 3), "the rest came after all"
    assert is_exact(start(), 3)
    assert start().scrape()["cr_exporter_lines_total", ("partial",)] == 1
    other.close()


def test_a_removed_file_is_read_to_its_end_while_it_is_open(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    writer.write()
    rotate(events).unlink()
    writer.write()
    assert is_exact(engine, 3)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 4)


def test_a_file_removed_before_it_was_opened_is_reported_missing(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    for _ in range(2):
        rotate(events)
        writer.reopen()
        writer.write(count=3)
    events.with_name("events.jsonl.1").unlink()
    shown = engine.scrape()
    assert shown["coderouter_requests_total", ()] == 4
    assert shown["cr_exporter_events_missing", ()] == 3


@pytest.mark.parametrize(
    "name",
    [
        "events.jsonl-20261123",
        "events.jsonl-20261123-1764000000",
        "events-20261123.jsonl",
        "events.1.jsonl",
        "events.jsonl.2026-11-23_19:00",
        "events.jsonl.old",
    ],
)
@pytest.mark.parametrize("is_up", [True, False])
def test_a_rotated_file_is_recognised_under_any_name(
    start: Start, writer: Writer, events: Path, name: str, is_up: bool
) -> None:
    """Rotation tools put a number, a date or a time behind the name, or into it."""
    writer.write()
    engine = start()
    assert is_exact(engine, 1)
    writer.write()
    events.rename(events.with_name(name))
    writer.reopen()
    writer.write()
    assert is_exact(engine if is_up else start(), 3)


def test_a_file_removed_and_created_again_is_read_from_its_start(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    events.unlink()
    writer.reopen()
    writer.write()
    assert is_exact(engine, 2)
    assert rotations(engine, "recreate") == 1


def test_a_new_file_with_the_inode_of_the_old_one_is_read_from_its_start(start: Start, events: Path) -> None:
    events.parent.mkdir()
    for round_ in range(1, 6):  # a file system may give another inode; the next round tries again
        append(events, tried(writer=f"w{round_}", seq=1), tried(writer=f"w{round_}", seq=2))
        assert start().scrape()["coderouter_requests_total", ()] == 2 * round_
        events.unlink()


def test_a_file_replaced_by_another_of_the_same_size_is_read_from_its_start(
    start: Start, writer: Writer, events: Path
) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    new = events.with_name("new")
    new.write_bytes(tried(writer="another", seq=1)[: events.stat().st_size - 1].rstrip() + b"\n")
    new.write_bytes(events.read_bytes().replace(writer.name.encode(), b"abcdefgh"))
    assert new.stat().st_size == events.stat().st_size
    new.replace(events)
    assert is_exact(engine, 2)


def test_a_file_replaced_by_a_longer_copy_of_itself_continues_from_the_offset(
    start: Start, writer: Writer, events: Path
) -> None:
    writer.write(count=2)
    engine = start()
    assert is_exact(engine, 2)
    new = events.with_name("new")
    shutil.copy(events, new)
    append(new, tried(writer=writer.name, seq=3))
    new.replace(events)
    assert is_exact(engine, 3)


def test_a_symlink_whose_target_is_created_later_is_followed(
    start: Start, events: Path, tmp_path: Path
) -> None:
    events.parent.mkdir()
    events.symlink_to(tmp_path / "elsewhere" / "events.jsonl")
    engine = start()
    assert engine.tries() == 0
    assert engine.shown()["cr_exporter_source_readable", (str(events),)] == 0
    events.resolve().parent.mkdir()
    append(events.resolve(), tried())
    assert engine.tries() == 1


@pytest.mark.parametrize("is_up", [True, False])
def test_a_symlink_pointed_at_another_file_is_followed(
    start: Start, events: Path, tmp_path: Path, is_up: bool
) -> None:
    """The rest of the old target counts as well."""
    events.parent.mkdir()
    (tmp_path / "days").mkdir()
    monday, tuesday = tmp_path / "days" / "monday", tmp_path / "days" / "tuesday"
    append(monday, tried(writer="w", seq=1))
    events.symlink_to(monday)
    engine = start()
    assert is_exact(engine, 1)
    append(monday, tried(writer="w", seq=2))
    append(tuesday, tried(writer="w", seq=3))
    new = events.with_name("new")
    new.symlink_to(tuesday)
    new.replace(events)
    engine = engine if is_up else start()
    assert is_exact(engine, 3)
    assert rotations(engine, "symlink") == is_up


@pytest.mark.parametrize("is_up", [True, False])
def test_files_rotated_into_another_folder_are_found(
    start: Start, writer: Writer, events: Path, tmp_path: Path, is_up: bool
) -> None:
    olddir = tmp_path / "old"
    olddir.mkdir()
    logrotate = Logrotate(tmp_path / "logrotate", events, f"rotate 9\ncreate\nolddir {olddir}")
    engine = start(olddir=olddir)
    for round_ in range(1, 4):
        writer.write(count=2)
        assert logrotate.rotate()[1]
        writer.write()
        writer.reopen()
        if not is_up:
            engine = start(olddir=olddir)
        assert is_exact(engine, 3 * round_)
    assert len(list(olddir.iterdir())) == 3


def test_files_rotated_to_another_file_system_are_found(start: Start, writer: Writer, events: Path) -> None:
    """logrotate copies the file there: the copy has another inode, and the writer still has the removed file open."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or not os.access(shm, os.W_OK) or shm.stat().st_dev == events.parent.stat().st_dev:
        pytest.skip("there is no second file system to write to at /dev/shm")
    olddir = shm / f"coderouter-olddir-{os.getpid()}"
    olddir.mkdir()
    try:
        writer.write(count=2)
        engine = start(olddir=olddir)
        assert is_exact(engine, 2)
        for is_up in (True, False):
            writer.write(count=2)
            shutil.move(events, olddir / f"events.jsonl.{is_up:d}")
            writer.reopen()
            writer.write()
            engine = engine if is_up else start(olddir=olddir)
            assert is_exact(engine, 5 if is_up else 8)
    finally:
        shutil.rmtree(olddir)


@pytest.mark.parametrize("is_up", [True, False])
def test_several_rotations_between_two_passes_lose_nothing(
    start: Start, writer: Writer, events: Path, is_up: bool
) -> None:
    writer.write()
    engine = start()
    assert is_exact(engine, 1)
    for _ in range(5):
        writer.write()
        rotate(events)
        writer.reopen()
        writer.write()
    assert is_exact(engine if is_up else start(), 11)
