"""How fast lines come."""

import time

WINDOW_S = 1.0
FAST_BYTES_PER_S = 1 << 16
"""Some 200 events."""


class Pace:
    def __init__(self) -> None:
        self.is_fast = False
        """Whether they came fast in the last window that is over: a pass soon after another says little."""
        self._since = time.monotonic()
        self._bytes = 0

    def add(self, bytes_read: int) -> None:
        """Note what a pass has read."""
        self._bytes += bytes_read
        elapsed_s = time.monotonic() - self._since
        if elapsed_s >= WINDOW_S:
            self.is_fast = self._bytes >= FAST_BYTES_PER_S * elapsed_s
            self._since += elapsed_s
            self._bytes = 0
