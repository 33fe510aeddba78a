"""Tells whether a proxy process has the event file in use, without asking it and without waiting for its heartbeat.

Each process holds a lock beside the event file (`coderouter_proxy.events.ALIVE_SUFFIX`) that the kernel lets go
when it ends, however it does.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from coderouter_proxy.events import ALIVE_SUFFIX


class Presence:
    def __init__(self) -> None:
        self._free_since_ts = 0.0

    def look(self, paths: Iterable[Path], *, heard_ts: float, now_ts: float) -> bool | None:
        """Return whether any process holds the lock of one of the event files, or None where that cannot be told.

        An event written after the lock was seen free (`heard_ts` is the newest one's time) shows that the lock does
        not tell: it does not reach here from where the proxy runs.
        """
        held = [_is_held(path.with_name(path.name + ALIVE_SUFFIX)) for path in paths]
        if True in held:
            self._free_since_ts = 0.0
            return True
        if False not in held:
            return None
        self._free_since_ts = self._free_since_ts or now_ts
        return None if heard_ts > self._free_since_ts else False


def _is_held(lock: Path) -> bool | None:
    try:
        fd = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None  # an older proxy has none, or we may not read it
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None  # a file system without locks
    finally:
        os.close(fd)  # lets our own lock go as well
    return False
