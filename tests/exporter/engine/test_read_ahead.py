"""Other processes count while much is to be read, and the totals are those of reading in order."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.traffic import WRITER, write_traffic
from coderouter_exporter.engine.read_ahead import SLOTS, Read, ReadAhead
from coderouter_exporter.records.decode import READ_BYTES_MAX, Chunk
from coderouter_exporter.state.state import State
from support.exporter.engine import EngineRig, is_exact
from support.forked import TESTS
from support.processes import clean_environment, eventually
from support.run_command import run

REQUESTS = 3000
FILES = 3
ALL = REQUESTS * FILES
PROCESSES = 2


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Return the path of an event file with rotated siblings, each of several chunks and another process."""
    path = tmp_path / "events.jsonl"
    write_traffic(path, REQUESTS)
    text = path.read_bytes()
    writer = WRITER.search(text)
    assert writer
    for number in range(1, FILES):
        rotated = path.with_name(f"events.jsonl.{number}")
        rotated.write_bytes(text.replace(writer[1], b"%016x" % number))
        modified = time.time() - number
        os.utime(rotated, (modified, modified))
    return path


@pytest.fixture
def ahead() -> Iterator[ReadAhead]:
    """Return a reader whose processes are ready, and which uses them however little there is to read."""
    ahead = ReadAhead(PROCESSES, bytes_behind_min=0)
    ahead.start()
    eventually(ahead.is_ready)
    yield ahead
    ahead.close()


def children() -> set[int]:
    """Return the processes that this one has started and that count ahead."""
    found = set[int]()
    for task in Path("/proc/self/task").iterdir():
        found.update(map(int, (task / "children").read_text(encoding="ascii").split()))
    return {pid for pid in found if counts_ahead(pid)}


def counts_ahead(pid: int) -> bool:
    try:
        return b"fold_process" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def totals(engine: EngineRig) -> State:
    """Return the committed totals without what differs between any two exporters."""
    found = engine.published.document.decode()
    found.committed_ts = 0.0
    found.counts = {name: numbers for name, numbers in found.counts.items() if "commit" not in name}
    of_file = {checkpoint.number: at for at, checkpoint in enumerate(found.checkpoints)}
    for checkpoint in found.checkpoints:
        checkpoint.number = of_file[checkpoint.number]
    for writer in found.writers.known.values():
        writer.file = of_file[writer.file]
    return found


def test_totals_are_those_of_reading_in_order(tmp_path: Path, events: Path, ahead: ReadAhead) -> None:
    engine = EngineRig(events, state=tmp_path / "ahead.db", ahead=ahead)
    assert is_exact(engine, ALL)
    assert ahead.answered >= FILES
    assert not children(), "processes are left"
    in_order = EngineRig(events, state=tmp_path / "in-order.db", ahead=ReadAhead(0))
    assert is_exact(in_order, ALL)
    assert totals(engine) == totals(in_order)
    for each in (engine, in_order):
        each.kill()


@pytest.mark.parametrize("after", [0, 1, 3])
def test_chunks_of_a_process_that_dies_are_folded_in_order(
    tmp_path: Path, events: Path, ahead: ReadAhead, after: int
) -> None:
    folded = 0

    def step(name: str) -> None:
        nonlocal folded
        folded += name == "folded"
        if folded == after and name in ("read", "folded"):
            for pid in children():
                os.kill(pid, signal.SIGKILL)

    engine = EngineRig(events, state=tmp_path / "exporter.db", ahead=ahead, step=step)
    assert is_exact(engine, ALL)
    engine.kill()


@pytest.mark.parametrize("bytes_behind_min", [0, 1 << 30])
def test_processes_are_started_only_when_much_is_to_be_read(
    tmp_path: Path, events: Path, bytes_behind_min: int
) -> None:
    seen = set[int]()
    ahead = ReadAhead(1, bytes_behind_min=bytes_behind_min)
    engine = EngineRig(
        events, state=tmp_path / "exporter.db", ahead=ahead, step=lambda _: seen.update(children())
    )
    assert is_exact(engine, ALL)
    assert bool(seen) is (bytes_behind_min == 0)
    engine.kill()


def test_a_commit_has_everything_that_was_read_ahead(tmp_path: Path, events: Path, ahead: ReadAhead) -> None:
    class Killed(BaseException):
        pass

    def step(name: str) -> None:
        if name == "committed":
            raise Killed

    state = tmp_path / "exporter.db"
    engine = EngineRig(events, state=state, ahead=ahead, step=step, commit_every_s=0.01)
    with pytest.raises(Killed):
        engine.run_pass()
    engine.kill()
    engine = EngineRig(events, state=state)
    assert 0 < engine.shown()["coderouter_requests_total", ()] < ALL
    assert is_exact(engine, ALL)
    engine.kill()


def test_no_more_is_read_ahead_than_the_processes_can_take(events: Path) -> None:
    data = events.read_bytes()[:READ_BYTES_MAX]
    data = data[: data.rfind(b"\n") + 1]
    ahead = ReadAhead(PROCESSES, bytes_behind_min=0)
    read = 0

    def reads() -> Iterator[Read]:
        nonlocal read
        while not read or not ahead.is_ready():
            read += 1
            yield Read(Chunk(data, len(data)), time.time(), 1, "UTC")

    most = max(read - added for added, _ in enumerate(ahead.deltas(reads(), lambda: False)))
    ahead.close()
    assert most <= PROCESSES * SLOTS


@pytest.mark.parametrize("step", [5, 9])
def test_nothing_is_lost_by_sigkill_while_processes_count_ahead(
    tmp_path: Path, events: Path, step: int
) -> None:
    state = tmp_path / "exporter.db"
    program = (sys.executable, "-m", "support.exporter.killed_exporter", events, state, str(step), "1")
    assert run(program, clean_environment(PYTHONPATH=str(TESTS))).code == -signal.SIGKILL
    engine = EngineRig(events, state=state)
    assert is_exact(engine, ALL)
    engine.kill()
