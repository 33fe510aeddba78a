"""`python -m support.exporter.writer PATH LINES LINES_PER_S [TURN_S]`: a real writer of an event file, as a process."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from coderouter_events.events import TryProvider
from coderouter_proxy.eventlog.writer import EventLog


class Turns:
    """Stands in for an event loop each of whose turns takes this long."""

    def __init__(self, turn_s: float) -> None:
        self._turn_s = turn_s
        self._ends_at = time.monotonic() + turn_s
        self._callbacks: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def run_due(self) -> None:
        if time.monotonic() >= self._ends_at:
            self._ends_at += self._turn_s
            for callback in self._callbacks:
                callback()
            self._callbacks.clear()


def write(path: Path, lines: int, lines_per_s: float, turn_s: float) -> None:
    """Write this many events, evenly over time."""
    turns = Turns(turn_s)
    log = EventLog(path, turns.call_soon if turn_s else None)
    start = time.monotonic()
    for number in range(lines):
        log.write(TryProvider(request_id=f"req_{number:024x}", provider="local", stream=True))
        ahead_s = number / lines_per_s - (time.monotonic() - start)
        if ahead_s > 0:
            time.sleep(ahead_s)
        turns.run_due()
    log.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float((sys.argv[4:] or ["0"])[0]))
