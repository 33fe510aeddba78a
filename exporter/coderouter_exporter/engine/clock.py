"""Notices when the wall clock is set, by comparing it with one that is never set."""

import time
from dataclasses import dataclass

from coderouter_exporter.state.order import CLOCK_ERROR_S_MAX, is_suspect

STEP_S_MIN = 1.0
"""A smaller difference may be a pause between reading the two clocks; slewing is slower than that."""
_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""It runs while the machine sleeps; where there is none, waking up looks like setting the clock."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock was set by `step_s`, to `now_ts`."""

    step_s: float
    now_ts: float
    since_ts: float
    """When this process started, by the clock as it was before; about that time events were written by it, too."""

    def moved(self, ts: float) -> float:
        """Return a time by the new clock.

        A time from before this process stays as it is, unless it is impossible: it may be of a clock that was right.
        """
        by_clock_before = self.since_ts - CLOCK_ERROR_S_MAX <= ts <= self.now_ts - self.step_s
        return ts + self.step_s if by_clock_before or is_suspect(ts, self.now_ts) else ts


class Clock:
    def __init__(self) -> None:
        self._since_ts, self._offset_s = _read()

    def step(self) -> ClockStep | None:
        """Return how the clock was set since the previous call; None if it was not."""
        now_ts, offset_s = _read()
        step_s = offset_s - self._offset_s
        if abs(step_s) < STEP_S_MIN:
            return None
        step = ClockStep(step_s, now_ts, self._since_ts)
        self._since_ts += step_s
        self._offset_s = offset_s
        return step


def _read() -> tuple[float, float]:
    """Return the time, and how far the wall clock is ahead of the one that is never set."""
    now_ts = time.time()
    return now_ts, now_ts - time.clock_gettime(_RUNNING)
