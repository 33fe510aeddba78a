"""How fast lines arrive, and how often to look for them."""

import time

POLL_S = 1.0
QUIET_POLL_S = 4.0
"""The pause between passes once nothing has been read for some time: the watcher wakes the engine up earlier."""
QUIET_PASSES = 4
WINDOW_S = 1.0
FAST_BYTES_PER_S = 1 << 16
"""Some 200 events."""


class Pace:
    def __init__(self, quiet_poll_s: float = QUIET_POLL_S) -> None:
        self.is_fast = False
        """Whether they arrived fast in the last complete window: a pass soon after another says little."""
        self._quiet_poll_s = quiet_poll_s
        self._quiet_passes = 0
        self._since = time.monotonic()
        self._bytes = 0

    @property
    def pause_s(self) -> float:
        """How long to wait for the next pass."""
        return POLL_S if self._quiet_passes < QUIET_PASSES else self._quiet_poll_s

    def change(self) -> None:
        """Note that something has happened; may be called from any thread."""
        self._quiet_passes = 0

    def add(self, bytes_read: int, *, is_settled: bool = True) -> None:
        """Note what a pass has read, and whether nothing is left to be done soon."""
        self._quiet_passes = 0 if bytes_read or not is_settled else self._quiet_passes + 1
        self._bytes += bytes_read
        elapsed_s = time.monotonic() - self._since
        if elapsed_s >= WINDOW_S:
            self.is_fast = self._bytes >= FAST_BYTES_PER_S * elapsed_s
            self._since += elapsed_s
            self._bytes = 0
