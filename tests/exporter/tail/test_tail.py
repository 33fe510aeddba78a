import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coderouter_exporter.families.exporter import ROTATIONS, UNMATCHED
from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.checkpoints import GONE_KEPT
from coderouter_exporter.tail.content import HEAD_BYTES_MAX
from coderouter_exporter.tail.tail import Shared, Tail
from support.exporter.process import append


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def tail(path: Path) -> Iterator[Tail]:
    tail = Tail(path, [])
    yield tail
    tail.close()


def read(tail: Tail) -> list[bytes]:
    tail.look()
    return [line for chunk in tail.chunks() for line in chunk.data.splitlines()]


def rotations(tail: Tail) -> list[str]:
    """Return the kinds of rotation noticed."""
    return [labels[0] for counter, labels in tail.noted if counter is ROTATIONS]


def restarted(tail: Tail) -> Tail:
    """Return what a new process would make of the positions of the old one."""
    positions = list(tail.positions)
    tail.close()
    return Tail(tail.path, positions)


def rotate(path: Path, number: int = 1) -> Path:
    """Rename as logrotate does, higher numbers first."""
    for older in range(number, 0, -1):
        source = path if older == 1 else path.with_name(f"{path.name}.{older - 1}")
        source.rename(path.with_name(f"{path.name}.{older}"))
    return path.with_name(f"{path.name}.1")


def test_lines_are_read_as_they_come(path: Path, tail: Tail) -> None:
    append(path, b"1\n2\n")
    assert read(tail) == [b"1", b"2"]
    append(path, b"3\n")
    assert read(tail) == [b"3"]
    assert read(tail) == []


def test_what_was_there_before_the_first_start_is_read(path: Path, tail: Tail) -> None:
    append(path.with_name("events.jsonl.2"), b"1\n")
    append(path.with_name("events.jsonl.1"), b"2\n")
    append(path, b"3\n")
    os.utime(path.with_name("events.jsonl.2"), (1, 1))
    os.utime(path.with_name("events.jsonl.1"), (2, 2))
    assert read(tail) == [b"1", b"2", b"3"]


def test_a_line_in_two_halves_is_one_line(path: Path, tail: Tail) -> None:
    append(path, b"first ha")
    assert read(tail) == []
    append(path, b"lf\n")
    assert read(tail) == [b"first half"]


def test_a_file_and_a_folder_may_come_later(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "later" / "events.jsonl", [])
    assert read(tail) == []
    tail.path.parent.mkdir()
    assert read(tail) == []
    append(tail.path, b"1\n")
    assert read(tail) == [b"1"]
    assert tail.readable is True
    tail.close()


def test_lines_are_read_across_a_rename(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    assert read(tail) == [b"1"]
    append(path, b"2\n")
    rotate(path)
    append(path, b"3\n")
    assert read(tail) == [b"2", b"3"]
    assert rotations(tail) == ["rename"]


def test_the_gap_between_rename_and_create_loses_nothing(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    read(tail)
    append(path, b"2\n")
    old = rotate(path)
    assert read(tail) == [b"2"]
    assert tail.readable is False
    append(old, b"3\n")
    assert read(tail) == [b"3"]
    append(path, b"4\n")
    assert read(tail) == [b"4"]


def test_a_writer_that_notices_the_rename_late_is_still_read(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    read(tail)
    old = rotate(path)
    append(path, b"3\n")
    assert read(tail) == [b"3"]
    append(old, b"2\n")
    assert read(tail) == [b"2"]


def test_a_half_line_at_the_rename_counts_when_its_rest_comes(path: Path, tail: Tail) -> None:
    append(path, b"1\nha")
    assert read(tail) == [b"1"]
    old = rotate(path)
    append(path, b"2\n")
    assert read(tail) == [b"2"]
    append(old, b"lf\n")
    assert read(tail) == [b"half"]


def test_a_rotated_file_that_is_removed_is_read_to_its_end(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    read(tail)
    append(path, b"2\n")
    rotate(path).unlink()
    append(path, b"3\n")
    assert read(tail) == [b"2", b"3"]


def test_a_file_removed_and_created_anew_is_read_from_its_beginning(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    read(tail)
    path.unlink()
    append(path, b"2\n")
    assert read(tail) == [b"2"]
    assert rotations(tail) == ["recreate"]


def test_several_rotations_between_two_looks_lose_nothing(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    read(tail)
    for number in range(1, 5):
        rotate(path, number)
        append(path, b"%d\n" % (number + 1))
        os.utime(path, (number, number))
    assert sorted(read(tail)) == [b"2", b"3", b"4", b"5"]
    assert read(tail) == []


@pytest.mark.parametrize("rotations", range(5))
def test_rotations_while_nobody_reads_lose_nothing_and_repeat_nothing(
    path: Path, tail: Tail, rotations: int
) -> None:
    append(path, b"1\n" * 3)
    read(tail)
    append(path, b"2\n")
    for number in range(1, rotations + 1):
        rotate(path, number)
        append(path, b"%d\n" % (number + 2))
        os.utime(path, (number, number))
    after = restarted(tail)
    assert sorted(read(after)) == [b"%d" % number for number in range(2, rotations + 3)]
    again = restarted(after)
    assert read(again) == []
    again.close()


@pytest.mark.parametrize(
    "name", ["events.jsonl-20261123", "events.jsonl-20261123-2", "events.jsonl.2026-11-23_19:00"]
)
def test_a_file_rotated_by_date_is_found_again(path: Path, tail: Tail, name: str) -> None:
    append(path, b"1\n")
    read(tail)
    append(path, b"2\n")
    path.rename(path.with_name(name))
    append(path, b"3\n")
    after = restarted(tail)
    assert read(after) == [b"2", b"3"]
    after.close()


def test_half_a_line_at_a_restart_is_read_once(path: Path, tail: Tail) -> None:
    append(path, b"1\nha")
    assert read(tail) == [b"1"]
    after = restarted(tail)
    append(path, b"lf\n")
    assert read(after) == [b"half"]
    after.close()


def test_an_inode_used_again_is_told_by_the_head(path: Path, tail: Tail) -> None:
    append(path, b"old\n")
    read(tail)
    (position,) = tail.positions
    tail.close()
    path.unlink()
    append(path, b"new\n")
    position.inode = path.stat().st_ino
    after = Tail(path, [position])
    assert read(after) == [b"new"]
    assert (UNMATCHED, ()) in after.noted
    after.close()


def test_an_unrelated_neighbour_is_not_read(path: Path, tail: Tail) -> None:
    append(path.with_name("events.jsonl.bak"), b"no\n")
    append(path.with_name("events.jsonl.1.gz"), b"no\n")
    append(path.with_name("other.jsonl.1"), b"no\n")
    append(path, b"yes\n")
    assert read(tail) == [b"yes"]


def test_a_copy_of_a_file_that_is_being_read_is_not_read_too(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    read(tail)
    path.with_name("events.jsonl.1").write_bytes(path.read_bytes())
    after = restarted(tail)
    assert read(after) == []
    after.close()


def test_after_copytruncate_the_rest_is_read_from_the_copy(path: Path, tail: Tail) -> None:
    append(path, b"1\n2\n")
    assert read(tail) == [b"1", b"2"]
    append(path, b"3\n")
    path.with_name("events.jsonl.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    append(path, b"4\n")
    assert sorted(read(tail)) == [b"3", b"4"]
    assert rotations(tail) == ["copytruncate"]
    append(path, b"5\n")
    after = restarted(tail)
    assert read(after) == [b"5"]
    after.close()


def test_an_over_long_line_that_grows_over_many_looks_is_counted_once(path: Path, tail: Tail) -> None:
    append(path, b"1\n")
    oversize = 0
    lines = []
    for part in (*(b"x" * (READ_BYTES_MAX // 2),) * 5, b"\n2\n"):
        append(path, part)
        tail.look()
        for chunk in tail.chunks():
            oversize += chunk.oversize
            lines += chunk.data.splitlines()
    assert (oversize, lines) == (1, [b"1", b"2"])


def test_inside_an_over_long_line_a_restart_goes_on_skipping(path: Path, tail: Tail) -> None:
    append(path, b"x" * (READ_BYTES_MAX + 1))
    assert read(tail) == []
    after = restarted(tail)
    append(path, b"\n2\n")
    assert read(after) == [b"2"]
    after.close()


def test_the_head_grows_to_its_greatest_length_and_no_further(path: Path, tail: Tail) -> None:
    append(path, b"x" * 99 + b"\n")
    read(tail)
    (position,) = tail.positions
    assert position.head_bytes == 100
    append(path, (b"x" * 99 + b"\n") * 100)
    read(tail)
    assert position.head_bytes == HEAD_BYTES_MAX


def test_positions_of_files_that_are_gone_are_forgotten(path: Path) -> None:
    tail = Tail(path, [], Shared(late_writer_s=0.0))
    for number in range(GONE_KEPT + 5):
        append(path, b"%d\n" % number)
        assert read(tail) == [b"%d" % number]
        rotate(path).unlink()
    append(path, b"last\n")
    assert read(tail) == [b"last"]
    assert len(tail.positions) <= GONE_KEPT + 4
    assert read(tail) == []
    assert (UNMATCHED, ()) not in tail.noted
    tail.close()


def test_a_renamed_file_that_no_longer_grows_is_closed(path: Path) -> None:
    tail = Tail(path, [], Shared(late_writer_s=0.0))
    append(path, b"1\n")
    read(tail)
    rotate(path)
    append(path, b"2\n")
    assert read(tail) == [b"2"]
    read(tail)
    assert len(tail._open) == 1
    tail.close()


def test_bytes_behind_are_those_written_and_not_read(path: Path, tail: Tail) -> None:
    append(path, b"1\nhalf")
    tail.look()
    assert tail.bytes_behind() == 6
    list(tail.chunks())
    assert tail.bytes_behind() == 4


def test_a_position_of_nothing_read_recognises_no_file(path: Path) -> None:
    append(path, b"1\n")
    tail = Tail(path, [Checkpoint(path=str(path), inode=path.stat().st_ino)])
    assert read(tail) == [b"1"]
    assert len(tail.positions) == 1
    tail.close()


def test_steps_are_taken_while_a_large_compressed_file_is_looked_through(path: Path) -> None:
    lines = b"a line\n" * READ_BYTES_MAX
    path.with_name("events.jsonl.1.gz").write_bytes(gzip.compress(lines, compresslevel=1))
    steps: list[str] = []
    tail = Tail(path, [], Shared(step=steps.append))
    tail.look()
    assert steps.count("unpacked") == len(lines) // READ_BYTES_MAX
    tail.close()
