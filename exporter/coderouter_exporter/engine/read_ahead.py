"""Reads ahead while much is to be read, and has other processes compute what each chunk adds.

The process that holds the state still adds them in order. A chunk that cannot be counted without the state, or whose
process has died, is folded as usual.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

import msgspec

from coderouter_exporter.engine.fold_process import READY, Task, decode_answer, encode_task
from coderouter_exporter.fold.delta import Delta, decode
from coderouter_exporter.records.decode import READ_BYTES_MAX, Chunk
from coderouter_exporter.state.lock import close_fd

BYTES_BEHIND_MIN = 64 << 20
"""With less to read, starting processes takes longer than it saves."""
CHUNK_BYTES_MIN = 1 << 18
"""A smaller chunk is folded at once."""
PROCESSES_MAX = 4
SLOTS = 2
"""Chunks that a process has at a time: it works on one while the other waits."""
ANSWER_S_MAX = 10.0
"""A process that takes longer hangs."""
FAILURES = (EOFError, OSError, msgspec.DecodeError)
"""What using an ended process raises."""

log = logging.getLogger(__name__)


class Read(NamedTuple):
    chunk: Chunk
    read_ts: float
    bytes_behind: int
    """How many bytes followed it."""
    zone: str
    """The one that days were counted in."""


def processes_max() -> int:
    """Return how many processes can work at the same time; 0 if this one can only work alone."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, PROCESSES_MAX) if cores > 1 and sys.executable else 0


class ReadAhead:
    """The processes are started when they are needed. `close` ends them, and drops what they have not answered."""

    def __init__(self, processes: int | None = None, *, bytes_behind_min: int = BYTES_BEHIND_MIN) -> None:
        self._number = processes_max() if processes is None else processes
        self._bytes_behind_min = bytes_behind_min
        self.answered = 0
        """How many chunks other processes have counted."""
        self._processes: list[_Process] = []
        self._waiting: deque[tuple[Read, _Process | None]] = deque()

    @property
    def has_read_ahead(self) -> bool:
        """Whether chunks have been read that were not yielded yet."""
        return bool(self._waiting)

    def start(self) -> None:
        """Start the processes before they are needed."""
        try:
            for _ in range(self._number):
                self._processes.append(_Process())
        except OSError as error:
            log.warning("cannot start processes to count faster (%s)", error.strerror)
            self._number = 0

    def is_ready(self) -> bool:
        """Return whether each process has room for a chunk."""
        return all(process.has_room() for process in self._processes)

    def deltas(
        self, reads: Iterable[Read], must_stop: Callable[[], bool]
    ) -> Iterator[tuple[Read, Delta | None]]:
        """Yield what is read in order, each with what it adds; None if it is to be folded.

        Nothing is read ahead while `must_stop` returns true.
        """
        for read in reads:
            self._waiting.append((read, None if must_stop() else self._given_to(read)))
            while self._waiting and (not self._has_room() or must_stop()):
                yield self._next()
        while self._waiting:
            yield self._next()

    def close(self) -> None:
        for process in self._processes:
            process.end()
        self._processes = []
        self._waiting.clear()

    def _given_to(self, read: Read) -> "_Process | None":
        if len(read.chunk.data) < CHUNK_BYTES_MIN:
            return None
        if not self._processes and self._number and read.bytes_behind >= self._bytes_behind_min:
            self.start()
        able = [process for process in self._processes if process.has_room()]
        free = min(able, key=lambda process: process.tasks, default=None)
        return free if free is not None and free.take(read) else None

    def _has_room(self) -> bool:
        """Return whether a process can take another chunk before the oldest one is added.

        Only chunks that are given to one are waited for, so there are never more than they have slots.
        """
        is_given = all(process is not None for _, process in self._waiting)
        return is_given and any(process.has_room() for process in self._processes)

    def _next(self) -> tuple[Read, Delta | None]:
        read, process = self._waiting.popleft()
        delta = None if process is None else process.answer()
        self.answered += delta is not None
        return read, delta


class _Process:
    def __init__(self) -> None:
        """Start it.

        Raises:
            OSError: that is not possible now.
        """
        self.tasks = 0
        """How many it has not answered."""
        self._given = 0
        self._is_ready = False
        self._fd = _create_unnamed_file()
        try:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
                [sys.executable, "-P", "-m", "coderouter_exporter.engine.fold_process", str(self._fd)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[self._fd],
            )
        except OSError:
            close_fd(self._fd)
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._tasks = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._answers = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    def has_room(self) -> bool:
        """Return whether it can take another chunk now."""
        if self._process is None or self.tasks == SLOTS:
            return False
        try:
            if not self._is_ready and self._answers.poll(0):
                self._is_ready = decode_answer(self._answers.recv_bytes()) == READY
        except FAILURES:
            self._give_up("it has ended")
        return self._is_ready

    def take(self, read: Read) -> bool:
        """Give it the chunk, unless it has no room."""
        data = read.chunk.data
        if not self.has_room() or len(data) > READ_BYTES_MAX:
            return False
        slot = self._given % SLOTS
        try:
            os.pwrite(self._fd, data, slot * READ_BYTES_MAX)
            self._tasks.send_bytes(encode_task(Task(slot, len(data), read.read_ts, read.zone)))
        except OSError:
            self._give_up("it has ended")
            return False
        self._given += 1
        self.tasks += 1
        return True

    def answer(self) -> Delta | None:
        """Return the delta of the oldest chunk that it has; None if there is none."""
        slot = (self._given - self.tasks) % SLOTS
        self.tasks -= 1
        if self._process is None:
            return None
        try:
            if not self._answers.poll(ANSWER_S_MAX):
                self._give_up("it does not answer")
                return None
            size = decode_answer(self._answers.recv_bytes())
            return decode(os.pread(self._fd, size, slot * READ_BYTES_MAX)) if size else None
        except FAILURES:
            self._give_up("it has ended")
            return None

    def end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None
        for connection in (self._tasks, self._answers):
            with suppress(OSError):
                connection.close()
        close_fd(self._fd)

    def _give_up(self, reason: str) -> None:
        log.warning("continuing without a process that counts ahead: %s", reason)
        self.end()


def _create_unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("chunks")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
