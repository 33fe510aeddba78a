"""A tail across renames, copies and restarts: no line is lost, and none is read twice."""

import os
from pathlib import Path

import pytest

from coderouter_exporter.families.exporter import UNMATCHED
from exporter.tail.tail_rig import TailRig, rotate
from support.exporter.process import append
from support.exporter.rotation import copytruncate


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
