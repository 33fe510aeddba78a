"""Whether a proxy process is using the event file, known at once and not only from its next heartbeat."""

from collections.abc import Iterable
from pathlib import Path

from coderouter_events.lock import is_held


class ProxyLiveness:
    """Probes the locks of the event files."""

    def __init__(self) -> None:
        self._events_read: int | None = None
        """When all locks were seen free first; None while one is held."""

    def probe(self, paths: Iterable[Path], events_read: int | None) -> bool | None:
        """Return whether any process holds the lock of one of the event files, or None when that is unknown.

        `events_read` is the number of all events that were written, or None while some have not been read yet. An event
        written after the locks were seen free proves that the proxy's lock is not visible here, as with some network
        and container file systems.
        """
        held = [is_held(path) for path in paths]
        if True in held:
            self._events_read = None
            return True
        if False not in held:
            return None
        if self._events_read is None:
            self._events_read = events_read
        return False if events_read == self._events_read else None
