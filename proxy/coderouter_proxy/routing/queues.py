"""Waiting for a busy provider: one with `max_in_flight` gets so many requests at once, the others wait in line."""

import asyncio
from itertools import count
from typing import Protocol

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing import queue_channel
from coderouter_proxy.routing.queue_places import Places

ANSWER_S_MAX = 5.0
"""For the supervisor to answer whether there is a place; at worst it reads a large configuration meanwhile."""


class Desk(Protocol):
    """Gives out the places."""

    def enter(self, ticket: int, name: str, limit: int) -> bool | None:
        """Return whether the ticket has a place at once; None if that is answered later."""

    def leave(self, ticket: int) -> None: ...


class Queues:
    """The places that the requests of this process hold and wait for.

    With several workers their supervisor gives the places out, so that limits and order hold for all workers together;
    those of a worker that dies are free at once.
    """

    def __init__(self) -> None:
        self._tickets = count()
        self._places: dict[int, Place] = {}
        self._desk: Desk = Places[int](lambda ticket: self._answered(ticket, has_place=True))

    async def start(self) -> None:
        """Use the places of all workers from now on, if this process is one of several."""
        self._desk = await queue_channel.connect(self._answered) or self._desk

    def enter(self, provider: Provider) -> "Place":
        """Get in line for a place at a provider that has a limit."""
        assert provider.max_in_flight is not None
        ticket = next(self._tickets)
        place = self._places[ticket] = Place(self, ticket, provider)
        has_place = self._desk.enter(ticket, provider.server, provider.max_in_flight)
        if has_place is not None:
            place.answered(has_place=has_place)
        return place

    def leave(self, ticket: int) -> None:
        """Free the place of this ticket, or wait no longer; a ticket that has left already is ignored."""
        if self._places.pop(ticket, None) is not None:
            self._desk.leave(ticket)

    def counts(self, name: str) -> tuple[int, int]:
        """Return how many requests of this process are in flight at the provider of this name, and wait for it."""
        places = [place for place in self._places.values() if place.provider.name == name]
        in_flight = sum(place.is_given for place in places)
        return in_flight, len(places) - in_flight

    def _answered(self, ticket: int, *, has_place: bool) -> None:
        place = self._places.get(ticket)
        if place is not None:  # otherwise it has left meanwhile, and the desk will read that
            place.answered(has_place=has_place)


class Place:
    """A place at a provider, from when a request gets in line for it until it leaves."""

    __slots__ = ("_given", "_queues", "_ticket", "_timeout", "had_to_wait", "is_given", "provider")

    def __init__(self, queues: Queues, ticket: int, provider: Provider) -> None:
        self.provider = provider
        self.is_given = False
        self.had_to_wait = False
        self._queues = queues
        self._ticket = ticket
        self._given: asyncio.Future[None] | None = None
        self._timeout: asyncio.Timeout | None = None

    def answered(self, *, has_place: bool) -> None:
        self.is_given = has_place
        self.had_to_wait = self.had_to_wait or not has_place
        if has_place and self._given is not None and not self._given.done():
            self._given.set_result(None)
        elif self._timeout is not None:
            self._wait_in_line(self._timeout)

    async def given(self) -> bool:
        """Return True once the request has the place, or False after `queue_s` seconds in line."""
        if self.is_given:
            return True
        loop = asyncio.get_running_loop()
        self._given = loop.create_future()
        try:
            async with asyncio.timeout(ANSWER_S_MAX) as self._timeout:
                if self.had_to_wait:
                    self._wait_in_line(self._timeout)
                await self._given
        except TimeoutError:
            return False
        return True

    def leave(self) -> None:
        """Free the place for the next in line, or wait no longer; nothing happens the second time."""
        self._queues.leave(self._ticket)

    def _wait_in_line(self, timeout: asyncio.Timeout) -> None:
        timeout.reschedule(asyncio.get_running_loop().time() + self.provider.queue_s)
