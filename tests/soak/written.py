"""Counts the requests in the event files while they are written and rotated, without any code of the exporter."""

import os
from pathlib import Path

REQUEST = b'"msg":"try-provider"'


class Written:
    """Follows the event file. It keeps every file open, because a proxy may still append to a renamed one."""

    def __init__(self, events: Path) -> None:
        self._events = events
        self._read: dict[int, tuple[int, int]] = {}
        """Offset and requests by descriptor."""

    def requests(self) -> int:
        """Return the number of requests in whole lines."""
        if self._events.exists() and not any(self._is_open(fd) for fd in self._read):
            self._read[os.open(self._events, os.O_RDONLY)] = (0, 0)
        for fd, (offset, requests) in self._read.items():
            data = os.pread(fd, os.fstat(fd).st_size - offset, offset)
            whole = data[: data.rfind(b"\n") + 1]
            self._read[fd] = (offset + len(whole), requests + whole.count(REQUEST))
        return sum(requests for _, requests in self._read.values())

    def close(self) -> None:
        for fd in self._read:
            os.close(fd)
        self._read.clear()

    def _is_open(self, fd: int) -> bool:
        return os.path.samestat(os.fstat(fd), self._events.stat())
