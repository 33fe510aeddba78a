"""What a tail holds at most: long lines, open files, remembered checkpoints."""

import gzip
import os
from pathlib import Path

from coderouter_exporter.families.exporter import UNMATCHED
from coderouter_exporter.records.decode import READ_BYTES_MAX
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.checkpoints import GONE_KEPT
from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.rotated import Folders
from exporter.tail.tail_rig import TailRig, rotate
from support.exporter.process import append


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
