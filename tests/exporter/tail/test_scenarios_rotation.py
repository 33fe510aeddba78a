"""Rotation while the exporter is up. Each test is named after its scenario in the notes on tailing."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX
from support.exporter.engine import EngineRig, is_exact
from support.exporter.logrotate import Logrotate
from support.exporter.process import append, tried
from support.exporter.rotation import copytruncate, rotate
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]


def rotations(engine: EngineRig, kind: str) -> float:
    return engine.shown()["cr_exporter_rotations_total", (kind,)]


def test_move_create(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    rotate(events)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 2)
    assert rotations(engine, "rename") == 1


def test_move_create_by_logrotate(start: Start, writer: Writer, events: Path, tmp_path: Path) -> None:
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


def test_move_no_create_gap(start: Start, writer: Writer, events: Path) -> None:
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


def test_late_writer(start: Start, writer: Writer, events: Path) -> None:
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


def test_very_late_writer(start: Start, writer: Writer, events: Path) -> None:
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


def test_very_late_writer_of_a_removed_file(start: Start, writer: Writer, events: Path) -> None:
    engine = start(late_writer_s=0.0)
    writer.write()
    assert is_exact(engine, 1)
    rotate(events).unlink()
    other = Writer(events)
    other.write()
    for _ in range(3):
        assert is_exact(engine, 2)
    writer.write()  # to a file that nobody can open any more
    writer.reopen()
    writer.write()
    shown = engine.scrape()
    assert shown["coderouter_requests_total", ()] == 3
    assert shown["cr_exporter_events_missing", ()] == 1
    assert shown["cr_exporter_exact", ()] == 0
    other.close()


def test_unread_remainder(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    writer.write(count=5)
    rotate(events)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 7)


def test_partial_at_rotation(start: Start, writer: Writer, events: Path) -> None:
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


def test_delete_rotated_after(start: Start, writer: Writer, events: Path) -> None:
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


def test_deleted_unread(start: Start, writer: Writer, events: Path) -> None:
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
def test_dateext(start: Start, writer: Writer, events: Path, name: str, is_up: bool) -> None:
    writer.write()
    engine = start()
    assert is_exact(engine, 1)
    writer.write()
    events.rename(events.with_name(name))
    writer.reopen()
    writer.write()
    assert is_exact(engine if is_up else start(), 3)


def test_recreate_same_path(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    events.unlink()
    writer.reopen()
    writer.write()
    assert is_exact(engine, 2)
    assert rotations(engine, "recreate") == 1


def test_inode_reuse(start: Start, events: Path) -> None:
    events.parent.mkdir()
    for round_ in range(1, 6):  # a file system may give another inode; the next round tries again
        append(events, tried(writer=f"w{round_}", seq=1), tried(writer=f"w{round_}", seq=2))
        assert start().scrape()["coderouter_requests_total", ()] == 2 * round_
        events.unlink()


def test_atomic_replace(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    new = events.with_name("new")
    new.write_bytes(tried(writer="another", seq=1)[: events.stat().st_size - 1].rstrip() + b"\n")
    new.write_bytes(events.read_bytes().replace(writer.name.encode(), b"abcdefgh"))
    assert new.stat().st_size == events.stat().st_size
    new.replace(events)
    assert is_exact(engine, 2)


def test_a_file_replaced_by_a_longer_copy_of_itself_goes_on_where_it_was(
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


def test_broken_symlink(start: Start, events: Path, tmp_path: Path) -> None:
    events.parent.mkdir()
    events.symlink_to(tmp_path / "elsewhere" / "events.jsonl")
    engine = start()
    assert engine.tries() == 0
    assert engine.shown()["cr_exporter_source_readable", (str(events),)] == 0
    events.resolve().parent.mkdir()
    append(events.resolve(), tried())
    assert engine.tries() == 1


@pytest.mark.parametrize("is_up", [True, False])
def test_symlink_that_moves_on(start: Start, events: Path, tmp_path: Path, is_up: bool) -> None:
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
def test_olddir(start: Start, writer: Writer, events: Path, tmp_path: Path, is_up: bool) -> None:
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


def test_olddir_on_another_file_system(start: Start, writer: Writer, events: Path) -> None:
    """The file is copied there, so that its inode is another one and its writer goes on in a removed file."""
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
def test_several_rotations_between_two_looks(start: Start, writer: Writer, events: Path, is_up: bool) -> None:
    writer.write()
    engine = start()
    assert is_exact(engine, 1)
    for _ in range(5):
        writer.write()
        rotate(events)
        writer.reopen()
        writer.write()
    assert is_exact(engine if is_up else start(), 11)


def test_ct_up(start: Start, writer: Writer, events: Path, tmp_path: Path) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events, "rotate 9\ncopytruncate")
    engine = start()
    for round_ in range(1, 5):
        writer.write(count=3)
        assert is_exact(engine, 4 * round_ - 1)
        assert logrotate.rotate()[1]
        writer.write()
        assert is_exact(engine, 4 * round_)
    assert rotations(engine, "copytruncate") == 4


def test_ct_up_unread(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write()
    assert is_exact(engine, 1)
    writer.write(count=4)
    copytruncate(events)
    writer.write(count=2)
    assert is_exact(engine, 7)


def test_ct_up_regrown_past_the_offset(start: Start, writer: Writer, events: Path) -> None:
    engine = start()
    writer.write(count=3)
    assert is_exact(engine, 3)
    writer.write()
    copytruncate(events)
    writer.write(count=30)
    assert is_exact(engine, 34)
    assert rotations(engine, "copytruncate") == 1


def test_ct_regrown_with_the_same_beginning(start: Start, events: Path) -> None:
    """Only the bytes before the offset tell that the file was written anew: its first 4 KiB are the same."""
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


def test_ct_between_read_and_fold(start: Start, writer: Writer, events: Path) -> None:
    """The file is cut and regrown while the exporter reads: what it read is thrown away."""

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


def test_ct_nul_hole(start: Start, events: Path) -> None:
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
