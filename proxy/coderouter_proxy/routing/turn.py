"""The place that a request has at the provider that it is sent to, or that answers it."""

import asyncio
import time

from coderouter_events.closed_sets import QueueResult
from coderouter_events.events import ProviderQueued
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing.desk import Desk
from coderouter_proxy.routing.router import Emit

ANSWER_S_MAX = 5.0
"""For the supervisor to answer whether there is a place; at worst it reads a large configuration meanwhile."""


class Turn:
    """A request has one place at most; `waited_s` adds up how long it waited for its places."""

    __slots__ = ("_desk", "_given", "_had_to_wait", "_timeout", "is_given", "provider", "waited_s")

    provider: Provider
    is_given: bool
    _had_to_wait: bool
    _given: asyncio.Future[None] | None
    _timeout: asyncio.Timeout | None

    def __init__(self) -> None:
        self.waited_s = 0.0
        self._desk: Desk | None = None

    def enter(self, desk: Desk, provider: Provider) -> bool:
        """Get in line for a place at the provider, which has a limit; return whether it is given at once."""
        assert provider.max_in_flight is not None
        self._desk, self.provider, self._given, self._timeout = desk, provider, None, None
        has_place = desk.enter(self, provider.server, provider.max_in_flight)
        self.is_given, self._had_to_wait = has_place is True, has_place is False
        return self.is_given

    def answered(self, *, has_place: bool) -> None:
        """Take note of what the desk says."""
        self.is_given = has_place
        self._had_to_wait = self._had_to_wait or not has_place
        if has_place and self._given is not None and not self._given.done():
            self._given.set_result(None)
        elif self._timeout is not None:
            self._wait_in_line(self._timeout)

    async def given(self, request_id: str, emit: Emit) -> bool:
        """Return whether the request gets the place within the provider's `queue_s`.

        A request that had to wait is emitted, also when it is cancelled meanwhile.
        """
        started = time.perf_counter()
        result: QueueResult = "left"
        try:
            result = "place" if await self._waited() else "timeout"
        finally:
            waited_s = time.perf_counter() - started
            self.waited_s += waited_s
            if result != "place":
                self.end()
            if self._had_to_wait:
                emit(
                    ProviderQueued(
                        request_id=request_id,
                        provider=self.provider.name,
                        waited_s=round(waited_s, 6),
                        result=result,
                    )
                )
        return result == "place"

    def end(self) -> None:
        """Free the place, if there is one, for the next request in line."""
        desk = self._desk
        if desk is not None:
            self._desk = None
            desk.leave(self)

    async def _waited(self) -> bool:
        """Return True once the request has the place, or False after `queue_s` seconds in line."""
        self._given = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_S_MAX) as self._timeout:
                if self._had_to_wait:
                    self._wait_in_line(self._timeout)
                await self._given
        except TimeoutError:
            return False
        return True

    def _wait_in_line(self, timeout: asyncio.Timeout) -> None:
        timeout.reschedule(asyncio.get_running_loop().time() + self.provider.queue_s)
