"""Append events to a file that other processes append to, rename and read at the same time."""

import errno
import logging
import os
import secrets
import stat
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Self

import orjson

from coderouter_events import private
from coderouter_events.events import LINE_BYTES_MAX, LOGGER, Event
from coderouter_proxy.eventlog import worker_counts
from coderouter_proxy.eventlog.spill import LeftBehind, Spill

BUFFERED_LINES_MAX = 10_000
RETRY_LINES_MAX = 256  # bounds the share of a backlog that one request has to write
FILE_MODE = 0o640
ENVELOPE_BYTES_MAX = 64  # timestamp, seq and punctuation around `_head`

log = logging.getLogger(__name__)


class EventLog:
    """One writer of the event file; not thread-safe: numbering and writing an event are one step.

    Each line is written immediately by one `write(2)` on a descriptor opened with O_APPEND, so a killed process loses
    no event and processes never overwrite each other. A rename of the file is noticed at the next event. While the
    file cannot be written, up to `BUFFERED_LINES_MAX` lines are buffered in memory; beyond that the oldest are dropped,
    which shows as a gap in `seq`.

    Without a path nothing is written. With the `call_soon` of an event loop, the rename check is done once for all
    events of one iteration of the loop. With a state folder, lines that cannot be written before the end are left to
    the next process, and so is how many there were.
    """

    def __init__(
        self,
        path: Path | None,
        call_soon: Callable[[Callable[[], None]], object] | None = None,
        state_folder: Path | None = None,
    ) -> None:
        self.writer = secrets.token_hex(8)
        self._counts = worker_counts.own()
        if self._counts is not None:
            self._counts.writes_as(self.writer)
        self.dropped = 0
        self._path = path
        self._spill = Spill(state_folder, path, self.writer) if path and state_folder else None
        self._left = LeftBehind(state_folder, path) if path and state_folder else None
        self._call_soon = call_soon
        self._rename_checked = False
        self._name = str(path.absolute()) if path else ""  # os.stat() is faster with a str
        self._seq = 0
        self._fd = -1
        self._inode: tuple[int, int] | None = None
        self._end = 0
        self._torn = False
        self._buffer: deque[bytes] = deque()
        self._heads: dict[type[Event], bytes] = {}
        self._second = 0
        self._second_text = b""

    @classmethod
    def after(cls, path: Path | None, writer: str, seq: int) -> Self:
        """Return a log that continues that of a process which has ended, with the number after `seq`."""
        log = cls(path)
        log.writer, log._seq = writer, seq
        return log

    def write(self, event: Event) -> None:
        """Append the event, or buffer it until the file can be written again; never raises an OSError."""
        if self._path is None:
            return
        self._seq += 1
        if self._counts is not None:
            self._counts.will_write(self._seq)
        line = self._line(event)
        self.retry()
        if not self._buffer:
            try:
                self._append(line)
                return
            except OSError as error:
                self._close()
                log.warning(
                    "cannot append to %s (%s); requests continue; up to %d events are buffered in memory",
                    self._path,
                    error.strerror,
                    BUFFERED_LINES_MAX,
                )
        self._buffer.append(line)
        self.note_numbers()
        if len(self._buffer) > BUFFERED_LINES_MAX:
            self._buffer.popleft()
            self.dropped += 1

    def retry(self) -> None:
        """Write buffered lines, oldest first, until one fails or the limit is reached; every event starts with this."""
        buffer = self._buffer
        if not buffer:
            return
        try:
            for _ in range(min(len(buffer), RETRY_LINES_MAX)):
                self._append(buffer[0])
                buffer.popleft()
        except OSError:
            self._close()
        else:
            if not buffer:
                log.warning("%s can be written again; events dropped so far: %d", self._path, self.dropped)

    @property
    def backlog(self) -> int:
        """Number of buffered lines."""
        return len(self._buffer)

    def take_over(self) -> dict[str, int]:
        """Append what processes that have ended could not write; return how many events each had numbered."""
        if self._spill is None or self._left is None:
            return {}
        self._spill.reserve()
        self._left.append(self._append_or_close)
        return self._left.numbers

    def settle(self) -> None:
        """Append what is left of those processes, and forget them once the event that reports them has been written."""
        if self._left is not None and self._seq and not self._buffer and not self.dropped:
            self._left.append(self._append_or_close)
            self._left.remove()

    def note_numbers(self) -> None:
        """Record how many events have been numbered, in case the process is killed before it writes them."""
        if self._spill is not None:
            self._spill.note(self._seq)

    def close(self) -> None:
        """Write buffered lines until one fails, leave the rest to the next process, and close the file."""
        previous = -1
        while self._buffer and len(self._buffer) != previous:
            previous = len(self._buffer)
            self.retry()
        self.settle()
        self.note_numbers()
        if self._buffer:
            self._keep_buffer()
        for part in (self._spill, self._left):
            if part is not None:
                part.close()
        self._close()

    def _keep_buffer(self) -> None:
        waiting, kept, reason = len(self._buffer), 0, "no state folder"
        if self._spill is not None:
            try:
                kept = self._spill.keep(self._buffer)
                reason = "no space left"
            except OSError as error:
                reason = error.strerror or reason
            if kept:
                log.warning(
                    "%d events are in %s, because %s cannot be written; the next start appends them",
                    kept,
                    self._spill.path,
                    self._path,
                )
        if kept < waiting:
            log.error(
                "%d events are lost, because neither %s nor a spill file can be written (%s)",
                waiting - kept,
                self._path,
                reason,
            )

    def _append_or_close(self, lines: bytes) -> None:
        try:
            self._append(lines)
        except OSError:
            self._close()
            raise

    def _append(self, line: bytes) -> None:
        if not self._rename_checked:
            self._follow_rename()
            if self._call_soon is not None:
                self._call_soon(self._expire_rename_check)
                self._rename_checked = True
        if self._torn:
            line = b"\n" + line
        written = os.write(self._fd, line)
        self._end += written
        self._torn = written != len(line)
        if self._torn:
            raise OSError(errno.ENOSPC, "only a part of the line was written: No space left on device")

    def _expire_rename_check(self) -> None:
        self._rename_checked = False

    def _follow_rename(self) -> None:
        try:
            found = os.stat(self._name)  # noqa: PTH116
        except FileNotFoundError:
            found = None
        if self._fd >= 0 and found is not None and (found.st_dev, found.st_ino) == self._inode:
            if found.st_size != self._end:
                self._check_end()
            return
        self._close()
        private.make_folder(Path(self._name).parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._fd = os.open(self._name, flags, FILE_MODE)
        opened = os.fstat(self._fd)
        if not stat.S_ISREG(opened.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        self._inode = (opened.st_dev, opened.st_ino)
        self._check_end()

    def _check_end(self) -> None:
        """Note whether the last line is incomplete, after a crash or on a full disk, so that ours starts a new one."""
        size = -1
        while True:
            self._end = os.fstat(self._fd).st_size
            self._torn = self._end > 0 and os.pread(self._fd, 1, self._end - 1) != b"\n"
            if not self._torn or self._end == size:
                return
            size = self._end
            # A line that is being written looks incomplete too; this seek takes the inode's lock after its writer.
            with suppress(OSError):
                os.lseek(self._fd, size - 1, os.SEEK_HOLE)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._rename_checked = False
        self._inode = None

    def _line(self, event: Event) -> bytes:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        head = self._heads.get(type(event)) or self._head(type(event))
        body = _encoded(event)
        if len(head) + len(body) + ENVELOPE_BYTES_MAX > LINE_BYTES_MAX:
            body = _truncated(body, LINE_BYTES_MAX - len(head) - ENVELOPE_BYTES_MAX)
        return b'{"ts":"%b.%03d%b%d,%b\n' % (self._second_text, now * 1000 % 1000, head, self._seq, body[1:])

    def _head(self, event: type[Event]) -> bytes:
        """Return the bytes between the timestamp and seq on every line of this event."""
        head = f'Z","level":"{event.level}","logger":"{LOGGER}","msg":"{event.msg}","writer":"{self.writer}","seq":'
        return self._heads.setdefault(event, head.encode())


def _encoded(event: Event) -> bytes:
    try:
        return orjson.dumps(event)
    except orjson.JSONEncodeError:  # an event that is not written would be missing
        return orjson.dumps({field.name: _encodable(getattr(event, field.name)) for field in fields(event)})


def _encodable(value: object) -> object:
    """Return the value, without the halves of characters in a text, or null where JSON has no such value."""
    if isinstance(value, str):
        value = value.encode(errors="replace").decode()
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return None
    return value


def _truncated(body: bytes, bytes_max: int) -> bytes:
    """Return the fields with the largest lists, objects and strings emptied until they fit."""
    event = orjson.loads(body)
    by_size = sorted(event, key=lambda field: len(orjson.dumps(event[field])), reverse=True)
    for field in by_size:
        if isinstance(event[field], (list, dict, str)):
            event[field] = type(event[field])()
        if len(shorter := orjson.dumps(event)) <= bytes_max:
            return shorter
    return b"{}"
