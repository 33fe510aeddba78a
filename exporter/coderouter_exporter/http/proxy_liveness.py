"""Whether a proxy process is using the event file, known at once and not only from its next heartbeat."""

from collections.abc import Iterable
from pathlib import Path

from coderouter_events.lock import is_held


class ProxyLiveness:
    """Probes the locks of the event files."""

    def __init__(self) -> None:
        self._free_since_ts = 0.0

    def probe(self, paths: Iterable[Path], *, last_event_ts: float, now_ts: float) -> bool | None:
        """Return whether any process holds the lock of one of the event files, or None when that is unknown.

        An event written after the lock was seen free proves that the proxy's lock is not visible here, as with some
        network and container file systems.
        """
        held = [is_held(path) for path in paths]
        if True in held:
            self._free_since_ts = 0.0
            return True
        if False not in held:
            return None
        self._free_since_ts = self._free_since_ts or now_ts
        return None if last_event_ts > self._free_since_ts else False
