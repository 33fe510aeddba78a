"""What a process that ends with events in memory leaves to the next one."""

import os
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from coderouter_events.events import Heartbeat
from coderouter_proxy.eventlog.writer import EventLog
from support.disk import small_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "events.jsonl"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def start(path: Path, state: Path) -> tuple[EventLog, dict[str, int]]:
    """Return the log of a new process, and the writers that it reports as ended."""
    log = EventLog(path, state_folder=state)
    ended = log.take_over()
    write(log)
    log.note_numbers()
    log.settle()
    return log, ended


def write(log: EventLog, times: int = 1) -> None:
    for _ in range(times):
        log.write(Heartbeat(in_flight=0, rss_bytes=0, events_dropped=0))


def block(path: Path) -> None:
    """Make the event file unwritable for everybody."""
    path.rename(path.with_name("aside"))
    path.mkdir()


def unblock(path: Path) -> None:
    path.rmdir()
    path.with_name("aside").rename(path)


def pairs(path: Path) -> list[tuple[str, int]]:
    """Return writer and number of each whole line."""
    found = []
    for line in path.read_bytes().splitlines():
        with suppress(orjson.JSONDecodeError):
            event = orjson.loads(line)
            found.append((event["writer"], event["seq"]))
    return found


def spills(state: Path) -> list[Path]:
    return sorted(state.glob("*.spill"))


def test_events_in_memory_at_a_stop_are_appended_verbatim_by_the_next_process(
    path: Path, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = start(path, state)
    block(path)
    write(first, times=1000)
    waiting = list(first._buffer)
    first.close()
    [spill] = spills(state)
    assert stat.S_IMODE(spill.stat().st_mode) == 0o600
    assert f"1000 events are in {spill}" in caplog.text
    unblock(path)

    second, ended = start(path, state)

    assert ended == {first.writer: 1001}
    assert path.read_bytes().splitlines(keepends=True)[1:-1] == waiting
    assert pairs(path)[-1] == (second.writer, 1)
    assert not spill.exists()


def test_a_stop_with_nothing_in_memory_leaves_only_the_number(path: Path, state: Path) -> None:
    first, ended = start(path, state)
    assert ended == {}
    write(first, times=4)
    first.close()
    _, ended = start(path, state)
    assert ended == {first.writer: 5}
    assert len(pairs(path)) == 6
    assert len(spills(state)) == 1, "that of the second"


def test_on_a_full_disk_the_number_is_known_and_what_does_not_fit_is_reported_as_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path / "disk", kilobytes=256) as disk:
        path = disk.folder / "events.jsonl"
        first, _ = start(path, disk.folder)
        disk.fill()
        write(first, times=200)
        first.close()
        disk.free()
        _, ended = start(path, disk.folder)
        assert ended == {first.writer: 201}
        seen = [seq for writer, seq in pairs(path) if writer == first.writer]
        assert seen == list(range(1, len(seen) + 1)), "the page of the spill file had room for some"
        assert f"{201 - len(seen)} events are lost" in caplog.text


def test_a_spill_file_that_cannot_be_made_stops_nothing(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    log, _ = start(path, tmp_path / "file")
    block(path)
    write(log, times=3)
    log.close()
    assert "3 events are lost" in caplog.text


def test_what_cannot_be_appended_yet_is_appended_later_in_the_same_process(path: Path, state: Path) -> None:
    first, _ = start(path, state)
    block(path)
    write(first, times=3)
    first.close()
    second, ended = start(path, state)
    assert ended == {first.writer: 4}
    assert len(spills(state)) == 2
    unblock(path)
    second.retry()
    second.settle()
    assert sorted(pairs(path)) == sorted([*((first.writer, n) for n in (1, 2, 3, 4)), (second.writer, 1)])
    assert spills(state) == [state / f"events.jsonl.{second.writer}.spill"]


def test_a_spill_file_stays_while_the_event_that_reports_it_waits_in_memory(path: Path, state: Path) -> None:
    first, _ = start(path, state)
    first.close()
    block(path)
    second, ended = start(path, state)
    assert ended == {first.writer: 1}
    second.settle()
    second.close()
    unblock(path)
    _, ended = start(path, state)
    assert ended == {first.writer: 1, second.writer: 1}


def test_the_file_of_a_live_process_and_that_of_another_event_file_are_left_alone(
    path: Path, state: Path, tmp_path: Path
) -> None:
    live, _ = start(path, state)
    other, _ = start(tmp_path / "other" / "events.jsonl", state)
    other.close()
    assert start(path, state)[1] == {}
    live.close()


def test_two_processes_that_start_at_once_append_each_line_once(path: Path, state: Path) -> None:
    first, _ = start(path, state)
    block(path)
    write(first, times=5)
    first.close()
    unblock(path)
    one, two = EventLog(path, state_folder=state), EventLog(path, state_folder=state)
    assert one.take_over() == two.take_over() == {first.writer: 6}
    for log in (one, two, one, two):
        write(log)
        log.settle()
    assert pairs(path)[:6] == [(first.writer, seq) for seq in range(1, 7)]
    assert len(pairs(path)) == 10
    assert all(first.writer not in spill.name for spill in spills(state))


PROCESS = """
import os, sys
from pathlib import Path
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_events.events import Heartbeat

log = EventLog(Path(sys.argv[1]), state_folder=Path(sys.argv[2]))
log.take_over()
for number in range(int(sys.argv[3])):
    log.write(Heartbeat(in_flight=0, rss_bytes=0, events_dropped=0))
    log.settle()
print(log.writer, flush=True)
os.kill(os.getpid(), 9)
"""
KILLED_WHILE_APPENDING = """
import os, sys
from pathlib import Path
from coderouter_proxy.eventlog.spill import LeftBehind

path, state = Path(sys.argv[1]), Path(sys.argv[2])

def append_some(lines):
    with path.open("ab") as file:
        file.write(lines[: lines.index(b"\\n", 1000) + 9])
    os.kill(os.getpid(), 9)

LeftBehind(state, path).append(append_some)
"""


def killed(code: str, *arguments: object) -> str:
    """Run a process that kills itself; return what it printed."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return ended.stdout.strip()


def test_the_number_of_a_killed_process_with_events_in_memory_is_reported(path: Path, state: Path) -> None:
    path.mkdir(parents=True)
    writer = killed(PROCESS, path, state, 7)
    path.rmdir()
    assert start(path, state)[1] == {writer: 7}
    assert len(pairs(path)) == 1


def test_a_process_killed_while_it_appends_leaves_the_rest_and_repeats_at_most_what_was_there(
    path: Path, state: Path
) -> None:
    first, _ = start(path, state)
    block(path)
    write(first, times=3000)
    first.close()
    unblock(path)
    killed(KILLED_WHILE_APPENDING, path, state)

    _, ended = start(path, state)

    assert ended[first.writer] == 3001
    written = [pair for pair in pairs(path) if pair[0] == first.writer]
    assert set(written) == {(first.writer, seq) for seq in range(1, 3002)}


def test_damaged_spill_files_are_ignored(path: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    state.mkdir()
    contents = (
        b"",
        b"x",
        b"{}\n",
        b'{"events":1}\n',
        b"\0" * 99,
        b'{"events":"/e","writer":1,"numbers":1}\n',
    )
    for number, content in enumerate(contents):
        (state / f"events.jsonl.{number}.spill").write_bytes(content)
    os.mkfifo(state / "events.jsonl.pipe.spill")
    assert start(path, state)[1] == {}
    assert caplog.text.count("is damaged and is ignored") == len(contents)


def test_no_state_folder_writes_no_spill_file(path: Path, tmp_path: Path) -> None:
    log = EventLog(path)
    assert log.take_over() == {}
    write(log)
    log.close()
    assert [file.name for file in path.parent.iterdir()] == ["events.jsonl"]
