"""The place that a request has at the provider that it is sent to, or that answers it."""

import time

from coderouter_events.closed_sets import QueueResult
from coderouter_events.events import ProviderQueued
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing.queues import Place, Queues
from coderouter_proxy.routing.router import Emit


class Turn:
    """A request has one place at most; `waited_s` adds up how long it waited for its places."""

    __slots__ = ("_place", "waited_s")

    def __init__(self) -> None:
        self.waited_s = 0.0
        self._place: Place | None = None

    def enter(self, queues: Queues, provider: Provider) -> bool:
        """Get in line for a place at the provider, which has a limit; return whether it is given at once."""
        self._place = queues.enter(provider)
        return self._place.is_given

    async def given(self, request_id: str, emit: Emit) -> bool:
        """Return whether the request gets the place within the provider's `queue_s`.

        A request that had to wait is emitted, also when it is cancelled meanwhile.
        """
        place = self._place
        assert place is not None
        started = time.perf_counter()
        result: QueueResult = "left"
        try:
            result = "place" if await place.given() else "timeout"
        finally:
            waited_s = time.perf_counter() - started
            self.waited_s += waited_s
            if result != "place":
                self.end()
            if place.had_to_wait:
                emit(
                    ProviderQueued(
                        request_id=request_id,
                        provider=place.provider.name,
                        waited_s=round(waited_s, 6),
                        result=result,
                    )
                )
        return result == "place"

    def end(self) -> None:
        """Free the place, if there is one, for the next request in line."""
        if self._place is not None:
            self._place.leave()
            self._place = None
