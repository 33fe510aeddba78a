"""Files that change while the exporter is down, and what it counts after its restart."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coderouter_exporter.tail.content import Step
from support.exporter.engine import EngineRig, Samples, is_exact
from support.exporter.process import append, tried
from support.exporter.rotation import compress, copytruncate, rotate
from support.exporter.writers import Writer

Start = Callable[..., EngineRig]


def gz_files(engine: EngineRig, result: str) -> float:
    return engine.shown()["cr_exporter_gz_files_total", (result,)]


def test_a_restart_continues_from_the_checkpoint(start: Start, writer: Writer) -> None:
    writer.write(count=3)
    assert is_exact(start(), 3)
    writer.write(count=2)
    assert is_exact(start(), 5)


@pytest.mark.parametrize("rotations", [1, 2, 5])
def test_rotations_while_down_lose_nothing(
    start: Start, writer: Writer, events: Path, rotations: int
) -> None:
    writer.write(count=3)
    start().scrape()
    for _ in range(rotations):
        writer.write()
        rotate(events)
        writer.write()  # on the old descriptor
        writer.reopen()
        writer.write()
    assert is_exact(start(), 3 + 3 * rotations)
    assert is_exact(start(), 3 + 3 * rotations)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("late_writer_s", [0.0, 60.0])
def test_a_file_rotated_and_compressed_while_down_continues_in_its_archive(
    start: Start, writer: Writer, events: Path, members: int, late_writer_s: float
) -> None:
    """Of the checkpointed file only the archive is left, of one gzip member or of several."""
    writer.write(count=3)
    assert is_exact(start(), 3)
    writer.write(count=30)
    compress(rotate(events), members)
    writer.reopen()
    writer.write()
    engine = start(late_writer_s=late_writer_s)
    assert is_exact(engine, 34)
    assert is_exact(engine, 34)
    assert gz_files(engine, "read") == 1
    rotate(events)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 35)
    assert is_exact(start(), 35)
    assert gz_files(engine, "read") == 1


def test_an_archive_of_a_file_already_read_is_not_counted_again(
    start: Start, writer: Writer, events: Path
) -> None:
    writer.write(count=3)
    engine = start(late_writer_s=0.0)
    assert is_exact(engine, 3)
    plain = rotate(events)
    writer.reopen()
    writer.write()
    assert is_exact(engine, 4)
    assert is_exact(engine, 4)
    compress(plain)
    assert is_exact(engine, 4)
    assert is_exact(engine, 4)
    assert gz_files(engine, "known") == 1
    assert is_exact(start(), 4)
    assert (gz_files(engine, "known"), gz_files(engine, "read")) == (1, 0)


def test_an_archive_beside_its_plain_file_is_not_counted_again(
    start: Start, writer: Writer, events: Path
) -> None:
    writer.write(count=3)
    plain = rotate(events)
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    writer.reopen()
    writer.write()
    assert is_exact(start(), 4)
    plain.unlink()
    assert is_exact(start(), 4)


def test_an_archive_counts_only_once_it_is_complete(start: Start, writer: Writer, events: Path) -> None:
    """It is cut in its header, its data and its footer, as it is while gzip writes it."""
    writer.write(count=20)
    whole = gzip.compress(rotate(events).read_bytes())
    events.with_name("events.jsonl.1").unlink()
    writer.reopen()
    writer.write()
    packed = events.with_name("events.jsonl.1.gz")
    engine = start()
    for size in (0, 5, 10, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        packed.write_bytes(whole[:size])
        assert engine.tries() == 1, "nothing of an incomplete file counts"
        assert engine.shown()["cr_exporter_files_pending", ()] == 1
    packed.write_bytes(whole)
    assert is_exact(engine, 21)
    assert engine.shown()["cr_exporter_files_pending", ()] == 0


def test_a_corrupt_archive_counts_nothing_and_is_read_once(
    start: Start, writer: Writer, events: Path
) -> None:
    writer.write(count=20)
    packed = compress(rotate(events))
    content = bytearray(packed.read_bytes())
    content[-6] ^= 1
    packed.write_bytes(content)
    writer.reopen()
    writer.write()
    for _ in range(3):
        shown = start().scrape()
        assert shown["coderouter_requests_total", ()] == 1, "nothing of it is trusted"
        assert shown["cr_exporter_gz_files_total", ("corrupt",)] == 1, "and it is tried once"
        assert shown["cr_exporter_events_missing", ()] == 20


def test_an_archive_too_large_when_unpacked_is_skipped(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, tried(writer="w", seq=1))
    zeros = b"0" * (1 << 20)
    with gzip.open(events.with_name("events.jsonl.1.gz"), "wb", compresslevel=1) as packed:
        for _ in range(80):
            packed.write(zeros)
    engine = start()
    assert is_exact(engine, 1)
    assert gz_files(engine, "too_large") == 1


@pytest.mark.parametrize("lost", [0, 2])
def test_the_loss_in_a_file_that_is_gone_is_open_until_its_writer_continues(
    start: Start, writer: Writer, events: Path, lost: int
) -> None:
    writer.write(count=3)
    assert is_exact(start(), 3)
    writer.write(count=lost)
    events.unlink()
    engine = start()
    assert engine.scrape()["cr_exporter_unmatched_checkpoints_total", ()] == 0, "it may come back"
    other = Writer(events)
    other.write()
    for _ in range(3):
        shown = start().scrape()
        assert shown["coderouter_requests_total", ()] == 4
        assert shown["cr_exporter_unmatched_checkpoints_total", ()] == 1
        assert shown["cr_exporter_doubts", ("file_disappeared",)] == 1
        assert shown["cr_exporter_exact", ()] == 0
    writer.reopen()
    writer.write()
    for _ in range(3):
        shown = start().scrape()
        assert shown["coderouter_requests_total", ()] == 5
        assert shown["cr_exporter_doubts", ("file_disappeared",)] == 0
        assert shown["cr_exporter_events_missing", ()] == lost
        assert shown["cr_exporter_exact", ()] == (lost == 0)
    other.close()


def test_a_line_finished_after_a_restart_is_counted_once(start: Start, writer: Writer) -> None:
    writer.write_half()
    assert start().tries() == 0
    writer.finish_half()
    assert is_exact(start(), 1)


def test_restarts_without_new_lines_change_no_total(start: Start, writer: Writer, events: Path) -> None:
    writer.write(count=3)
    rotate(events)
    writer.reopen()
    writer.write()
    compress(rotate(events))
    writer.reopen()
    writer.write()
    first = start().scrape()
    for _ in range(10):
        shown = start().scrape()
        assert totals(shown) == totals(first)


def totals(shown: Samples) -> Samples:
    """Return the counters, without those of the process and of the commits."""
    ours = (key for key in shown if key[0].endswith("_total") and not key[0].startswith("process"))
    return {key: shown[key] for key in ours if "checkpoint_commits" not in key[0]}


class Killed(BaseException):
    """The exporter is gone."""


def killed_at(name: str) -> Step:
    def step(now: str) -> None:
        if now == name:
            raise Killed

    return step


@pytest.mark.parametrize("step", ["read", "folded", "encoded", "committed", "published"])
def test_a_kill_at_any_step_of_a_pass_counts_every_line_once(start: Start, writer: Writer, step: str) -> None:
    """What the exporter served when it was killed is the old total or the new one, never another."""
    writer.write(count=3)
    assert is_exact(start(), 3)
    writer.write(count=2)
    engine = start(step=killed_at(step))
    with pytest.raises(Killed):
        engine.scrape()
    assert engine.shown()["coderouter_requests_total", ()] in (3, 5)
    assert is_exact(start(), 5)


@pytest.mark.parametrize("more", [1, 50])
@pytest.mark.parametrize("unread", [0, 2])
def test_copytruncate_while_down_loses_nothing(
    start: Start, writer: Writer, events: Path, more: int, unread: int
) -> None:
    """What is written after it is shorter or longer than what was read before."""
    writer.write(count=10)
    assert is_exact(start(), 10)
    writer.write(count=unread)
    copytruncate(events)
    writer.write(count=more)
    assert is_exact(start(), 10 + unread + more)


def test_lines_read_between_copy_and_truncate_are_counted_once(
    start: Start, writer: Writer, events: Path
) -> None:
    """The writer appends between the two, so the copy is shorter than what the exporter has read."""
    writer.write(count=30)
    engine = start()
    assert is_exact(engine, 30)
    copy = events.with_name("events.jsonl.1")
    copy.write_bytes(events.read_bytes())
    writer.write(count=2)
    assert is_exact(engine, 32)
    os.truncate(events, 0)
    writer.write()
    assert is_exact(engine, 33)
    assert is_exact(start(), 33)


def test_a_copy_still_being_written_is_not_counted(start: Start, events: Path) -> None:
    """The lines have no sequence numbers, so only their content identifies the file."""
    events.parent.mkdir()
    append(events, *(tried(note=number) for number in range(100)))
    engine = start()
    assert engine.tries() == 100
    whole = events.read_bytes()
    for size in (1, 100, 5000, len(whole)):
        events.with_name("events.jsonl.1").write_bytes(whole[:size])
        assert engine.tries() == 100
    os.truncate(events, 0)
    append(events, tried(note="after"))
    assert engine.tries() == 101
    assert start().tries() == 101


def test_a_truncation_without_a_copy_is_reported(start: Start, writer: Writer, events: Path) -> None:
    """The file is truncated, and the exporter stops before its next pass."""
    writer.write(count=5)
    engine = start()
    assert is_exact(engine, 5)
    os.truncate(events, 0)
    writer.write(count=2)
    shown = start().scrape()
    assert shown["coderouter_requests_total", ()] == 7
    assert shown["cr_exporter_unmatched_checkpoints_total", ()] == 1, (
        "there is no copy to tell what was cut off"
    )
