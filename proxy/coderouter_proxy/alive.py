"""Lets readers of the event file see at once that this process has ended, however it did."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from coderouter_proxy.events import ALIVE_SUFFIX

FILE_MODE = 0o644


class Alive:
    """The lock beside the event file; it goes with the process. Without an event file there is none."""

    def __init__(self, events_path: Path | None) -> None:
        self._events_path = events_path
        self._fd = -1

    def hold(self) -> None:
        """Take the lock if this process does not have it yet; never waits and never raises an OSError.

        A reader that looks takes it for a moment, so this may fail; call again later.
        """
        path = self._events_path
        if path is None or self._fd >= 0 or not path.is_file():
            return
        with suppress(OSError):  # readers then go by heartbeats
            lock = path.with_name(path.name + ALIVE_SUFFIX)
            fd = os.open(lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
                raise
            self._fd = fd

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
