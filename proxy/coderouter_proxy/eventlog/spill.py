"""What a process leaves behind: how many events it has numbered, and the lines it could not write.

Each process has a spill file in the state folder. Its first line is the number of events, reserved at the start, so
that it can be written on a full disk. The lines follow when the process stops and the event file cannot be written.
The next process appends them to the event file, reports the number in its startup event, and removes the spill file.
The owner holds a lock on it; the kernel releases it however the owner ends.
"""

import fcntl
import json
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from coderouter_events.paths import SPILL_SUFFIX

FILE_MODE = 0o600
TAKEN_OVER_MAX = 64
"""Spill files that one process takes over; the rest is left to the next one."""
READ_BYTES = 256 * 1024
HEADER_BYTES_MAX = 16 * 1024

log = logging.getLogger(__name__)


class Spill:
    """The spill file of this process."""

    def __init__(self, folder: Path, events_path: Path, writer: str) -> None:
        self.path = folder / f"{events_path.name}.{writer}{SPILL_SUFFIX}"
        self._events_path = events_path
        self._writer = writer
        self._fd = -1
        self._broken: str | None = None

    def reserve(self) -> None:
        """Create the file, unless it exists; never raises an OSError."""
        if self._fd >= 0:
            return
        new = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            fd = os.open(new, flags, FILE_MODE)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.pwrite(fd, self._header(0), 0)
                new.rename(self.path)  # nobody finds it without lock or header
            except OSError:
                os.close(fd)
                new.unlink(missing_ok=True)
                raise
            self._fd = fd
        except OSError as error:
            self._broken = error.strerror

    def note(self, numbers: int) -> None:
        """Record how many events have been numbered, for the case that this process is killed."""
        self.reserve()
        if self._fd >= 0:
            with suppress(OSError):
                os.pwrite(self._fd, self._header(numbers), 0)

    def keep(self, lines: Iterable[bytes]) -> int:
        """Write the lines behind the number; return how many of them fit.

        Raises:
            OSError: none could be written.
        """
        self.reserve()
        if self._fd < 0:
            raise OSError(0, self._broken)
        kept = 0
        offset = len(self._header(0))
        for line in lines:
            try:
                written = os.pwrite(self._fd, line, offset)
            except OSError:
                if not kept:
                    raise
                break
            if written < len(line):
                break
            kept += 1
            offset += written
        with suppress(OSError):
            os.fsync(self._fd)
        return kept

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _header(self, numbers: int) -> bytes:
        head = json.dumps({"events": str(self._events_path.absolute()), "writer": self._writer})
        return f'{head[:-1]}, "numbers": {numbers:16}}}\n'.encode()


class LeftBehind:
    """The spill files of processes that have ended, which this process takes over."""

    def __init__(self, folder: Path, events_path: Path) -> None:
        self.numbers: dict[str, int] = {}
        """How many events each of those processes has numbered, by writer."""
        self._waiting: list[Path] = []
        self._appended: list[tuple[Path, int]] = []
        mine = str(events_path.absolute())
        found = sorted(_names(folder, events_path.name + "."))[:TAKEN_OVER_MAX]
        for path in (folder / name for name in found):
            fd = _locked(path, fcntl.LOCK_SH)
            if fd is None:
                continue
            try:
                header = _header(fd)
            finally:
                os.close(fd)
            if header is None:
                log.warning("%s is damaged and is ignored", path)
            elif header[0] == mine:
                self.numbers[header[1]] = header[2]
                self._waiting.append(path)

    def append(self, append: Callable[[bytes], None]) -> None:
        """Append their lines as they are; what fails is tried again by the next call. Never raises an OSError."""
        for path in list(self._waiting):
            fd = _locked(path, fcntl.LOCK_EX)
            if fd is None:
                if not path.exists():
                    self._waiting.remove(path)
                continue
            try:
                for lines in _whole_lines(fd):
                    append(lines)
            except OSError:
                os.close(fd)
                return
            self._waiting.remove(path)
            self._appended.append(
                (path, fd)
            )  # stays locked until it is removed, so that nobody else appends it

    def remove(self) -> None:
        """Remove the files whose lines were appended: the event that reports their numbers has been written."""
        for path, fd in self._appended:
            with suppress(OSError):
                path.unlink()
            os.close(fd)
        self._appended.clear()

    def close(self) -> None:
        """Leave the remaining files to the next process."""
        for _, fd in self._appended:
            os.close(fd)
        self._appended.clear()


def _names(folder: Path, start: str) -> Iterator[str]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return
    yield from (name for name in names if name.startswith(start) and name.endswith(SPILL_SUFFIX))


def _locked(path: Path, kind: int) -> int | None:
    """Return a descriptor with the lock; None while another process has it, or when the file is gone or not ours."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
        found = os.fstat(fd)
        if stat.S_ISREG(found.st_mode) and found.st_nlink and found.st_uid == os.geteuid():
            return fd
    except OSError:
        pass
    os.close(fd)
    return None


def _header(fd: int) -> tuple[str, str, int] | None:
    """Return event file, writer and number; None when the file is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        line, newline, _ = os.pread(fd, HEADER_BYTES_MAX, 0).partition(b"\n")
        fields = json.loads(line)
        if newline and isinstance(fields["writer"], str) and isinstance(fields["numbers"], int):
            return fields["events"], fields["writer"], fields["numbers"]
    return None


def _whole_lines(fd: int) -> Iterator[bytes]:
    """Yield what follows the header, some whole lines at a time; half a line at the end is left out."""
    offset = os.pread(fd, HEADER_BYTES_MAX, 0).find(b"\n") + 1
    while data := os.pread(fd, READ_BYTES, offset):
        end = data.rfind(b"\n") + 1
        if not end:
            return
        offset += end
        yield data[:end]
