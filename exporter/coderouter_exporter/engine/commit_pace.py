"""How often to commit: one costs more than the events in it, and what is not committed is still in the event files."""

import time

COMMIT_EVERY_S = 0.25
"""While somebody waits for a pass."""
RARELY = 4
"""So many times less often while it catches up, or much is not committed."""
SELDOM = 16
"""So many times less often while nobody waits for the little that was read."""
LITTLE_BYTES_MAX = 1 << 20


class CommitPace:
    def __init__(self, every_s: float = COMMIT_EVERY_S) -> None:
        self.duration_s = 0.0
        """How long the last commit took, or tried to."""
        self._every_s = every_s
        self._bytes = 0
        self._ended_at = time.monotonic()

    def read(self, number: int) -> None:
        """Note that so many bytes of events were counted."""
        self._bytes += number

    def is_due(self, *, asked: bool, caught_up: bool, can_wait: bool) -> bool:
        """Return whether to commit; if it `can_wait`, nobody needs what was counted before someone asks."""
        if asked and caught_up:
            times = 1
        elif asked or not can_wait or self._bytes >= LITTLE_BYTES_MAX:
            times = RARELY
        else:
            times = SELDOM
        return time.monotonic() - self._ended_at >= self._every_s * times

    def ended(self, started_at: float, *, worked: bool) -> None:
        """Note that a commit has ended."""
        self._ended_at = time.monotonic()
        self.duration_s = self._ended_at - started_at
        if worked:
            self._bytes = 0
