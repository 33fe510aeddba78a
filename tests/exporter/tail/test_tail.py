import gzip
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from coderouter_exporter.families.exporter import ROTATIONS, UNMATCHED
from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.checkpoints import GONE_KEPT
from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.rotated import Folders
from coderouter_exporter.tail.shared import Shared
from coderouter_exporter.tail.tail import Tail
from support.exporter.process import append
from support.exporter.rotation import copytruncate


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


class TailRig:
    """A tail, read pass by pass, and what it has noticed."""

    def __init__(self, path: Path, checkpoints: Sequence[Checkpoint] = (), **shared: Any) -> None:
        self.tail = Tail(path, list(checkpoints), Shared(**shared))
        self.noticed: list[Noticed] = []

    def read(self) -> list[bytes]:
        """Return the lines of one pass."""
        self.noticed.append(self.tail.poll())
        lines = [line for chunk in self.tail.chunks() for line in chunk.data.splitlines()]
        self.noticed.append(self.tail.close_finished())
        return lines

    def counted(self, counter: Counter) -> list[tuple[str, ...]]:
        """Return the labels with which the counter was increased."""
        counts = Noticed.merge(self.noticed).counts
        return [labels for increased, labels in counts if increased is counter]

    def rotations(self) -> list[str]:
        """Return the kinds of rotation noticed."""
        return [kind for (kind,) in self.counted(ROTATIONS)]

    def restarted(self) -> "TailRig":
        """Return what a new process would make of the checkpoints of the old one."""
        checkpoints = list(self.tail.checkpoints)
        self.close()
        return TailRig(self.tail.path, checkpoints)

    def close(self) -> None:
        self.tail.close()


@pytest.fixture
def tail(path: Path) -> Iterator[TailRig]:
    tail = TailRig(path)
    yield tail
    tail.close()


def rotate(path: Path, number: int = 1) -> Path:
    """Rename as logrotate does, higher numbers first."""
    for older in range(number, 0, -1):
        source = path if older == 1 else path.with_name(f"{path.name}.{older - 1}")
        source.rename(path.with_name(f"{path.name}.{older}"))
    return path.with_name(f"{path.name}.1")


def test_lines_are_read_as_they_are_written(path: Path, tail: TailRig) -> None:
    append(path, b"1\n2\n")
    assert tail.read() == [b"1", b"2"]
    append(path, b"3\n")
    assert tail.read() == [b"3"]
    assert tail.read() == []


def test_files_from_before_the_first_start_are_read_oldest_first(path: Path, tail: TailRig) -> None:
    append(path.with_name("events.jsonl.2"), b"1\n")
    append(path.with_name("events.jsonl.1"), b"2\n")
    append(path, b"3\n")
    os.utime(path.with_name("events.jsonl.2"), (1, 1))
    os.utime(path.with_name("events.jsonl.1"), (2, 2))
    assert tail.read() == [b"1", b"2", b"3"]


def test_a_line_in_two_halves_is_one_line(path: Path, tail: TailRig) -> None:
    append(path, b"first ha")
    assert tail.read() == []
    append(path, b"lf\n")
    assert tail.read() == [b"first half"]


def test_file_and_folder_may_be_created_later(tmp_path: Path) -> None:
    path = tmp_path / "later" / "events.jsonl"
    tail = TailRig(path)
    assert tail.read() == []
    path.parent.mkdir()
    assert tail.read() == []
    append(path, b"1\n")
    assert tail.read() == [b"1"]
    assert tail.tail.readable is True
    tail.close()


def test_lines_are_read_across_a_rename(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    assert tail.read() == [b"1"]
    append(path, b"2\n")
    rotate(path)
    append(path, b"3\n")
    assert tail.read() == [b"2", b"3"]
    assert tail.rotations() == ["rename"]


def test_the_gap_between_rename_and_create_loses_nothing(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    tail.read()
    append(path, b"2\n")
    old = rotate(path)
    assert tail.read() == [b"2"]
    assert tail.tail.readable is False
    append(old, b"3\n")
    assert tail.read() == [b"3"]
    append(path, b"4\n")
    assert tail.read() == [b"4"]


def test_a_writer_that_notices_the_rename_late_is_still_read(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    tail.read()
    old = rotate(path)
    append(path, b"3\n")
    assert tail.read() == [b"3"]
    append(old, b"2\n")
    assert tail.read() == [b"2"]


def test_half_a_line_at_the_rename_is_read_once_it_is_complete(path: Path, tail: TailRig) -> None:
    append(path, b"1\nha")
    assert tail.read() == [b"1"]
    old = rotate(path)
    append(path, b"2\n")
    assert tail.read() == [b"2"]
    append(old, b"lf\n")
    assert tail.read() == [b"half"]


def test_a_rotated_file_that_is_removed_is_read_to_its_end(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    tail.read()
    append(path, b"2\n")
    rotate(path).unlink()
    append(path, b"3\n")
    assert tail.read() == [b"2", b"3"]


def test_a_file_removed_and_created_again_is_read_from_its_beginning(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    tail.read()
    path.unlink()
    append(path, b"2\n")
    assert tail.read() == [b"2"]
    assert tail.rotations() == ["recreate"]


def test_several_rotations_between_two_polls_lose_nothing(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    tail.read()
    for number in range(1, 5):
        rotate(path, number)
        append(path, b"%d\n" % (number + 1))
        os.utime(path, (number, number))
    assert sorted(tail.read()) == [b"2", b"3", b"4", b"5"]
    assert tail.read() == []


@pytest.mark.parametrize("rotations", range(5))
def test_rotations_while_the_exporter_is_down_lose_and_repeat_nothing(
    path: Path, tail: TailRig, rotations: int
) -> None:
    append(path, b"1\n" * 3)
    tail.read()
    append(path, b"2\n")
    for number in range(1, rotations + 1):
        rotate(path, number)
        append(path, b"%d\n" % (number + 2))
        os.utime(path, (number, number))
    after = tail.restarted()
    assert sorted(after.read()) == [b"%d" % number for number in range(2, rotations + 3)]
    again = after.restarted()
    assert again.read() == []
    again.close()


@pytest.mark.parametrize(
    "name", ["events.jsonl-20261123", "events.jsonl-20261123-2", "events.jsonl.2026-11-23_19:00"]
)
def test_a_file_rotated_by_date_is_found_again(path: Path, tail: TailRig, name: str) -> None:
    append(path, b"1\n")
    tail.read()
    append(path, b"2\n")
    path.rename(path.with_name(name))
    append(path, b"3\n")
    after = tail.restarted()
    assert after.read() == [b"2", b"3"]
    after.close()


def test_half_a_line_at_a_restart_is_read_once(path: Path, tail: TailRig) -> None:
    append(path, b"1\nha")
    assert tail.read() == [b"1"]
    after = tail.restarted()
    append(path, b"lf\n")
    assert after.read() == [b"half"]
    after.close()


def test_a_reused_inode_is_recognised_by_the_head(path: Path, tail: TailRig) -> None:
    append(path, b"old\n")
    tail.read()
    (checkpoint,) = tail.tail.checkpoints
    tail.close()
    path.unlink()
    append(path, b"new\n")
    checkpoint.inode = path.stat().st_ino
    after = TailRig(path, [checkpoint])
    assert after.read() == [b"new"]
    assert after.counted(UNMATCHED) == [()]
    after.close()


def test_unrelated_files_in_the_folder_are_not_read(path: Path, tail: TailRig) -> None:
    append(path.with_name("events.jsonl.bak"), b"no\n")
    append(path.with_name("events.jsonl.1.gz"), b"no\n")
    append(path.with_name("other.jsonl.1"), b"no\n")
    append(path, b"yes\n")
    assert tail.read() == [b"yes"]


def test_a_copy_of_a_file_that_is_being_read_is_not_read_too(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    tail.read()
    path.with_name("events.jsonl.1").write_bytes(path.read_bytes())
    after = tail.restarted()
    assert after.read() == []
    after.close()


def test_after_copytruncate_the_rest_is_read_from_the_copy(path: Path, tail: TailRig) -> None:
    append(path, b"1\n2\n")
    assert tail.read() == [b"1", b"2"]
    append(path, b"3\n")
    path.with_name("events.jsonl.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    append(path, b"4\n")
    assert sorted(tail.read()) == [b"3", b"4"]
    assert tail.rotations() == ["copytruncate"]
    append(path, b"5\n")
    after = tail.restarted()
    assert after.read() == [b"5"]
    after.close()


def test_a_copy_that_replaces_another_one_at_once_is_read(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    assert tail.read() == [b"1"]
    copy = copytruncate(path)
    assert tail.read() == []
    copy.unlink()
    append(path, b"2\n")
    copytruncate(path)
    assert tail.read() == [b"2"]


def test_an_oversize_line_that_grows_over_many_polls_is_counted_once(path: Path, tail: TailRig) -> None:
    append(path, b"1\n")
    oversize = 0
    lines = []
    for part in (*(b"x" * (READ_BYTES_MAX // 2),) * 5, b"\n2\n"):
        append(path, part)
        tail.tail.poll()
        for chunk in tail.tail.chunks():
            oversize += chunk.oversize
            lines += chunk.data.splitlines()
    assert (oversize, lines) == (1, [b"1", b"2"])


def test_a_restart_inside_an_oversize_line_continues_skipping(path: Path, tail: TailRig) -> None:
    append(path, b"x" * (READ_BYTES_MAX + 1))
    assert tail.read() == []
    after = tail.restarted()
    append(path, b"\n2\n")
    assert after.read() == [b"2"]
    after.close()


def test_the_head_grows_to_its_maximum_length(path: Path, tail: TailRig) -> None:
    append(path, b"x" * 99 + b"\n")
    tail.read()
    (checkpoint,) = tail.tail.checkpoints
    assert checkpoint.head_bytes == 100
    append(path, (b"x" * 99 + b"\n") * 100)
    tail.read()
    assert checkpoint.head_bytes == HEAD_BYTES_MAX


def test_checkpoints_of_files_that_are_gone_are_forgotten(path: Path) -> None:
    tail = TailRig(path, late_writer_s=0.0)
    for number in range(GONE_KEPT + 5):
        append(path, b"%d\n" % number)
        assert tail.read() == [b"%d" % number]
        rotate(path).unlink()
    append(path, b"last\n")
    assert tail.read() == [b"last"]
    assert len(tail.tail.checkpoints) <= GONE_KEPT + 4
    assert tail.read() == []
    assert tail.counted(UNMATCHED) == []
    tail.close()


def test_a_renamed_file_that_no_longer_grows_is_closed(path: Path) -> None:
    tail = TailRig(path, late_writer_s=0.0)
    append(path, b"1\n")
    tail.read()
    rotate(path)
    append(path, b"2\n")
    assert tail.read() == [b"2"]
    tail.read()
    assert len(tail.tail._files.open) == 1
    tail.close()


def test_more_rotated_files_than_may_be_open_at_once_are_all_read(path: Path) -> None:
    tail = TailRig(path, descriptors=Descriptors(2))
    append(path, b"1\n")
    assert tail.read() == [b"1"]
    for number in range(1, 5):
        rotate(path, number)
        append(path, b"%d\n" % (number + 1))
        os.utime(path, (number, number))
    assert sorted(line for _ in range(3) for line in tail.read()) == [b"2", b"3", b"4", b"5"]
    assert tail.rotations() == ["rename"]
    tail.close()


def test_bytes_behind_are_those_written_and_not_yet_read(path: Path, tail: TailRig) -> None:
    append(path, b"1\nhalf")
    tail.tail.poll()
    assert tail.tail.bytes_behind() == 6
    assert len(list(tail.tail.chunks())) == 1
    assert tail.tail.bytes_behind() == 4


def test_a_checkpoint_with_nothing_read_matches_no_file(path: Path) -> None:
    append(path, b"1\n")
    tail = TailRig(path, [Checkpoint(path=str(path), inode=path.stat().st_ino)])
    assert tail.read() == [b"1"]
    assert len(tail.tail.checkpoints) == 1
    tail.close()


def test_reading_a_large_compressed_file_takes_steps(path: Path) -> None:
    lines = b"a line\n" * READ_BYTES_MAX
    path.with_name("events.jsonl.1.gz").write_bytes(gzip.compress(lines, compresslevel=1))
    steps: list[str] = []
    tail = TailRig(path, step=steps.append)
    tail.tail.poll()
    assert steps.count("unpacked") == len(lines) // READ_BYTES_MAX
    tail.close()


def test_a_change_that_the_time_stamp_of_the_folder_does_not_show_is_seen_later(path: Path) -> None:
    tail = TailRig(path, folders=Folders(relist_s=0))
    append(path, b"2\n")
    os.utime(path.parent, ns=(1, 1))
    assert tail.read() == [b"2"]
    append(path.with_name("events.jsonl.1"), b"1\n")
    os.utime(path.parent, ns=(1, 1))
    assert tail.read() == [b"1"]
    tail.close()
