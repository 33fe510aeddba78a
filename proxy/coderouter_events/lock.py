"""The liveness lock: each proxy process holds a shared flock(2) on a file beside the event file.

The kernel releases it when the process ends for any reason, so a reader sees at once whether a process is left. The
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
    """The lock held by this process; does nothing without an event file."""

    def __init__(self, events_path: Path | None) -> None:
        self._events_path = events_path
        self._fd = -1

    def hold(self) -> None:
        """Take the lock if this process does not hold it yet; never blocks and never raises an OSError.

        It may fail because a reader that probes the lock holds it for a moment: call again later.
        """
        path = self._events_path
        if path is None or self._fd >= 0 or not path.is_file():
            return
        with suppress(OSError):  # readers then rely on heartbeats
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
    """Return whether a process holds the lock of this event file; None if that is unknown."""
    try:
        fd = os.open(lock_path(events_path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None  # an older proxy without the lock, or no permission
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None  # the file system has no locks
    finally:
        os.close(fd)  # also releases our own lock
    return False
