"""Whether a proxy process has the event file in use, seen without asking it and without waiting for a heartbeat."""

from collections.abc import Iterable
from pathlib import Path

from coderouter_events.lock import is_held


class ProxyLiveness:
    """Probes the locks of the event files, and remembers since when they were free."""

    def __init__(self) -> None:
        self._free_since_ts = 0.0

    def probe(self, paths: Iterable[Path], *, last_event_ts: float, now_ts: float) -> bool | None:
        """Return whether any process holds the lock of one of the event files, or None where that is unknown.

        An event written after the lock was seen free shows that the lock does not reach here from where the proxy
        runs.
        """
        held = [is_held(path) for path in paths]
        if True in held:
            self._free_since_ts = 0.0
            return True
        if False not in held:
            return None
        self._free_since_ts = self._free_since_ts or now_ts
        return None if last_event_ts > self._free_since_ts else False
