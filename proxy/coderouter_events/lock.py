"""The liveness lock: each proxy process holds a shared flock(2) on a file beside the event file.

The kernel lets go of it when the process ends, however it does, so a reader sees at once whether any is left. The
file stays empty.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

LOCK_SUFFIX = ".alive"
FILE_MODE = 0o644


def lock_path(events_path: Path) -> Path:
    return events_path.with_name(events_path.name + LOCK_SUFFIX)


class LivenessLock:
    """The lock of this process; without an event file there is none."""

    def __init__(self, events_path: Path | None) -> None:
        self._events_path = events_path
        self._fd = -1

    def hold(self) -> None:
        """Take the lock if this process does not have it yet; never waits and never raises an OSError.

        A reader that probes takes it for a moment, so this may fail; call again later.
        """
        path = self._events_path
        if path is None or self._fd >= 0 or not path.is_file():
            return
        with suppress(OSError):  # readers then go by heartbeats
            fd = os.open(lock_path(path), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
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


def is_held(events_path: Path) -> bool | None:
    """Return whether any process holds the lock of this event file, or None where that cannot be seen."""
    try:
        fd = os.open(lock_path(events_path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None  # an older proxy has none, or we may not read it
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None  # a file system without locks
    finally:
        os.close(fd)  # lets go of our own lock as well
    return False
