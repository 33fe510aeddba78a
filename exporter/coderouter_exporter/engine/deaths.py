"""Which writers have ended, so that their open requests will never end."""

import time
from collections.abc import Callable, Container
from functools import cached_property

from coderouter_exporter.state.state import State

SILENT_S = 60.0
"""Four heartbeats."""


class Deaths:
    """Decides it for one commit. `ended` are writers that are known to have written their last line."""

    def __init__(
        self,
        state: State,
        ended: Container[str],
        is_proxy_alive: Callable[[], bool | None],
        *,
        caught_up: bool,
    ) -> None:
        self._state = state
        self._ended = ended
        self._probe = is_proxy_alive
        self._caught_up = caught_up

    def is_dead(self, writer: str, begun_ts: float) -> bool:
        """Return whether the writer will end no request any more, given when it last began one.

        It has ended, or it is silent while a process that started later is not, or while none holds the lock.
        """
        state = self._state
        if writer in self._ended or writer in state.writers.ended:
            return True
        if not self._caught_up:
            return False
        own = state.heartbeats.get(writer)
        heard_ts = max(begun_ts, own.ts if own else 0.0)
        newest = next(reversed(state.heartbeats), None)
        if newest not in (None, writer) and state.heartbeats[newest].ts - heard_ts > SILENT_S:
            return True
        return time.time() - heard_ts > SILENT_S and self._alive is False

    @cached_property
    def _alive(self) -> bool | None:
        return self._probe()
