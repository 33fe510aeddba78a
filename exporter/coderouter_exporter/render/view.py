"""What one answer is made of."""

from dataclasses import dataclass

from coderouter_exporter.engine.loop import Published
from coderouter_exporter.state.state import State

HEARD_S_MAX = 45.0
"""A process that has missed two of its heartbeats, one each 15 seconds, is taken for dead."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The totals, when "now" is, and the process that serves them, if one does."""

    state: State
    now_ts: float
    published: Published | None = None
    alive: bool | None = None
    """Whether a proxy process has the event file in use; None when that cannot be told."""

    @property
    def uptime_s(self) -> float:
        startup = self.state.startup
        return 0.0 if startup is None or startup.ended else max(0.0, self.now_ts - startup.ts)

    @property
    def up(self) -> bool:
        """Whether a proxy process lives."""
        return bool(self.in_flight) if self.alive is None else self.alive

    @property
    def in_flight(self) -> list[int]:
        """What each living proxy process told of the requests it is answering."""
        if self.alive is False:
            return []
        pulses = self.state.pulses.values()
        return [p.in_flight for p in pulses if not p.ended and self.now_ts - p.ts <= HEARD_S_MAX]
