import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from coderouter_events.events import Heartbeat, SkipUnknownProvider
from coderouter_proxy.eventlog.writer import BUFFERED_LINES_MAX, EventLog
from support.events import read
from support.processes import eventually

NOBODY = 65534


def write(log: EventLog, times: int = 1) -> None:
    for _ in range(times):
        log.write(Heartbeat(in_flight=0, rss_bytes=0, events_dropped=0))


def seqs(path: Path) -> list[int]:
    return [event["seq"] for event in read(path)]


def whole_lines(path: Path) -> list[int]:
    """Return the numbers of the lines that are JSON; others are what a short write left behind."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(orjson.loads(line)["seq"])
        except orjson.JSONDecodeError:
            continue
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@contextmanager
def full_disk(file_bytes_max: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: a write across the limit is short, one at the limit fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def forbidden(folder: Path) -> Iterator[None]:
    """Deny this process access to the folder; root is denied nothing, so it becomes nobody meanwhile."""
    root = os.geteuid() == 0
    folder.chmod(0)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_each_event_is_one_write(path: Path) -> None:
    def writes() -> int:
        counters = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(counters["syscw"])

    log = EventLog(path)
    write(log)
    before = writes()
    write(log, times=10)
    assert writes() - before == 10


def test_an_event_is_in_the_file_when_write_returns(path: Path) -> None:
    log = EventLog(path)
    for seq in (1, 2, 3):
        write(log)
        assert seqs(path)[-1] == seq


def test_lines_are_appended_to_those_of_earlier_processes(path: Path) -> None:
    first, second = EventLog(path), EventLog(path)
    write(first)
    write(second)
    write(first)
    assert [(e["writer"], e["seq"]) for e in read(path)] == [
        (first.writer, 1),
        (second.writer, 1),
        (first.writer, 2),
    ]
    assert first.writer != second.writer


def test_text_is_kept_on_its_line(path: Path) -> None:
    name = 'a\nb\r\u2028"\\é\x00'
    EventLog(path).write(SkipUnknownProvider(request_id="r", provider=name))
    assert path.read_bytes().count(b"\n") == 1
    assert orjson.loads(path.read_bytes())["provider"] == name


def test_the_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "events.jsonl"
    write(EventLog(path))
    assert seqs(path) == [1]


def test_others_cannot_read_the_file(path: Path) -> None:
    write(EventLog(path))
    assert path.stat().st_mode & 0o007 == 0


def test_the_event_after_a_rename_is_in_a_new_file(path: Path) -> None:
    log = EventLog(path)
    write(log)
    old = path.rename(path.with_suffix(".1"))
    write(log)
    assert (seqs(old), seqs(path)) == ([1], [2])


def test_the_event_after_a_rename_is_in_the_file_that_logrotate_created(path: Path) -> None:
    log = EventLog(path)
    write(log)
    path.rename(path.with_suffix(".1"))
    path.touch(0o600)
    write(log)
    assert seqs(path) == [2]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_event_after_a_copy_and_cut_is_at_the_start_of_the_file(path: Path) -> None:
    log = EventLog(path)
    write(log, times=2)
    os.truncate(path, 0)
    write(log)
    assert seqs(path) == [3]


def test_a_deleted_file_is_made_again(path: Path) -> None:
    log = EventLog(path)
    write(log)
    path.unlink()
    write(log)
    assert seqs(path) == [2]


def test_a_deleted_folder_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "events.jsonl"
    log = EventLog(path)
    write(log)
    path.unlink()
    path.parent.rmdir()
    write(log)
    assert seqs(path) == [2]


def test_a_rename_is_looked_for_once_in_each_turn_of_the_loop(path: Path) -> None:
    next_turn: list[object] = []
    log = EventLog(path, next_turn.append)
    write(log, times=2)
    [look_again] = next_turn
    path.rename(path.with_suffix(".1"))

    assert callable(look_again)
    look_again()
    write(log)

    assert seqs(path) == [3]


def test_a_line_cut_by_a_crash_does_not_swallow_the_next_one(path: Path) -> None:
    path.write_bytes(b'{"ts":"2026')
    write(EventLog(path), times=2)
    cut, *whole = path.read_bytes().splitlines()
    assert cut == b'{"ts":"2026'
    assert [orjson.loads(line)["seq"] for line in whole] == [1, 2]


def test_a_line_cut_by_another_process_does_not_swallow_the_next_one(path: Path) -> None:
    log, other = EventLog(path), EventLog(path)
    write(log)
    with full_disk(path.stat().st_size + 10):
        write(other)
    assert not path.read_bytes().endswith(b"\n")

    write(log)

    assert whole_lines(path) == [1, 2]


def test_a_full_disk_loses_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = EventLog(path)
    write(log, times=3)
    with full_disk(path.stat().st_size + 50):
        write(log, times=1000)
        assert whole_lines(path) == [1, 2, 3]
    write(log)
    log.close()

    assert whole_lines(path) == list(range(1, 1005))
    assert log.dropped == 0
    failed, recovered = caplog.messages
    assert failed.startswith(f"cannot append to {path} (only a part of the line was written")
    assert recovered == f"{path} can be written again; events dropped so far: 0"


def test_a_request_pays_for_a_bounded_part_of_the_backlog(path: Path) -> None:
    log = EventLog(path)
    with full_disk(0):
        write(log, times=1000)
    write(log)
    assert len(seqs(path)) == 256


def test_a_forbidden_folder_keeps_the_newest_events_waiting_and_counts_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "events.jsonl"
    path.parent.mkdir()
    log = EventLog(path)
    with forbidden(path.parent):
        write(log, times=BUFFERED_LINES_MAX + 50)
    assert log.dropped == 50

    write(log)
    log.close()

    assert seqs(path) == list(range(51, BUFFERED_LINES_MAX + 52))
    assert log.dropped == 50


@pytest.mark.parametrize("kind", ["folder", "pipe", "file in place of the folder"])
def test_a_path_that_is_no_file_stops_no_request(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "events"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        path /= "events.jsonl"
    log = EventLog(path)
    write(log, times=3)
    log.close()


def test_no_path_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = EventLog(None)
    write(log)
    log.close()
    assert list(tmp_path.iterdir()) == []


WRITER = """
import os, sys
from pathlib import Path
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_events.events import SkipUnknownProvider

path, times, killed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "killed"
log = EventLog(path)
for number in range(times):
    log.write(SkipUnknownProvider(request_id="r", provider="p" * (number % 700)))
if killed:
    os.kill(os.getpid(), 9)
log.close()
"""


def writer(path: Path, times: int, end: str = "closed") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(times), end])


def test_a_killed_process_loses_nothing_that_it_did(path: Path) -> None:
    assert writer(path, 500, "killed").wait(30) == -signal.SIGKILL
    assert seqs(path) == list(range(1, 501))


def test_four_processes_write_every_line_whole_and_once_while_the_file_is_renamed(path: Path) -> None:
    times = 8_000
    writers = [writer(path, times) for _ in range(4)]
    rotated: list[Path] = []
    for number in (1, 2, 3):
        eventually(lambda: path.exists() and path.stat().st_size > 500_000)
        rotated.append(path.rename(path.with_suffix(f".{number}")))
    assert [process.wait(60) for process in writers] == [0] * 4

    written = [(e["writer"], e["seq"]) for file in [*rotated, path] for e in read(file)]

    assert len(written) == 4 * times
    names = {name for name, _ in written}
    assert len(names) == 4
    assert set(written) == {(name, seq) for name in names for seq in range(1, times + 1)}


@pytest.mark.parametrize(
    ("value", "written"), [("half \ud83d", "half ?"), (2**64, None), (object(), None), ({1: 2}, None)]
)
def test_an_event_with_what_json_has_not_is_written_without_it(
    value: object, written: object, path: Path
) -> None:
    log = EventLog(path)
    log.write(SkipUnknownProvider(request_id="req_1", provider=value))  # type: ignore[arg-type]
    [event] = read(path)
    assert (event["request_id"], event["provider"]) == ("req_1", written)
