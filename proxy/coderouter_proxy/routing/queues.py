"""Waiting for a busy provider: one with `max_in_flight` gets so many requests at once, the others wait in line."""

import sys
from collections.abc import Iterable

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing import queue_channel
from coderouter_proxy.routing.desk import Desk, Queued
from coderouter_proxy.routing.queue_places import Places

NO_LIMIT = sys.maxsize


class Queues:
    """The places that the requests of this process hold and wait for.

    With several workers their supervisor gives the places out, so that limits and order hold for all workers together;
    those of a worker that dies are free at once.
    """

    def __init__(self) -> None:
        self.desk: Desk = Places[Queued](lambda request: request.answered(has_place=True))

    async def start(self) -> None:
        """Use the places of all workers from now on, if this process is one of several."""
        self.desk = await queue_channel.connect() or self.desk

    def set_limits(self, providers: Iterable[Provider]) -> None:
        """Let the limits of a reload hold for those in line, too."""
        for provider in providers:
            self.desk.set_limit(provider.server, provider.max_in_flight or NO_LIMIT)

    def counts(self, name: str) -> tuple[int, int]:
        """Return how many requests of this process are in flight at the provider of this name, and wait for it."""
        given = [request.is_given for request in self.desk.requests() if request.provider.name == name]
        in_flight = sum(given)
        return in_flight, len(given) - in_flight
