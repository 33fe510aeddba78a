"""How the workers of a proxy share places: their supervisor gives them out, each has a connection to it.

A line from a worker is `[ticket, name, limit]` to enter, `[ticket]` to leave, and `[name, limit]` for a limit that has
changed; the supervisor answers with `[ticket, has_place]`. When a connection ends, its tickets leave: the kernel closes
those of a killed process.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import count
from typing import Any, cast

import orjson

from coderouter_proxy.routing.desk import Queued
from coderouter_proxy.routing.queue_places import Places

_channel: list[socket.socket] = []


class Supervised:
    """The desk in the supervisor, for all workers."""

    def __init__(self) -> None:
        self._places = Places[_Ticket](lambda ticket: ticket[0].answer(ticket[1], has_place=True))

    async def serve(self, sock: socket.socket) -> None:
        """Serve a worker from now on, until its end of the connection is closed."""
        await asyncio.get_running_loop().create_unix_connection(lambda: _Served(self._places), sock=sock)


class _Connection(asyncio.Protocol, ABC):
    """Sends and receives JSON, one value on each line."""

    _transport: asyncio.WriteTransport

    def __init__(self) -> None:
        self._begun = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one by shape only

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self.received(orjson.loads(line))

    @abstractmethod
    def received(self, message: list[Any]) -> None: ...

    def send(self, *message: object) -> None:
        if not self._transport.is_closing():
            self._transport.write(orjson.dumps(message) + b"\n")


class _Served(_Connection):
    """The supervisor's end of the connection to one worker."""

    def __init__(self, places: "Places[_Ticket]") -> None:
        super().__init__()
        self._places = places
        self._tickets = set[int]()

    def received(self, message: list[Any]) -> None:
        ticket = message[0]
        if len(message) == 1:
            self._tickets.discard(ticket)
            self._places.leave((self, ticket))
        elif len(message) == 2:
            self._places.set_limit(*message)
        else:
            self._tickets.add(ticket)
            self.answer(ticket, has_place=self._places.enter((self, ticket), *message[1:]))

    def answer(self, ticket: int, *, has_place: bool) -> None:
        self.send(ticket, has_place)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        for ticket in self._tickets:
            self._places.leave((self, ticket))


_Ticket = tuple[_Served, int]


def use(channel: socket.socket) -> None:
    """Let this process, which is a worker, get its places over this connection."""
    _channel[:] = [channel]


async def connect() -> "_Desk | None":
    """Return the desk of this worker; None if the process is none."""
    if not _channel:
        return None
    desk = _Desk()
    await asyncio.get_running_loop().create_unix_connection(lambda: desk, sock=_channel.pop())
    return desk


class _Desk(_Connection):
    """A worker's end of the connection to its supervisor."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()
        self._tickets = dict[Queued, int]()
        self._requests = dict[int, Queued]()

    def received(self, message: list[Any]) -> None:
        ticket, has_place = message
        request = self._requests.get(ticket)
        if request is not None:  # otherwise it has left meanwhile, and the supervisor will read that
            request.answered(has_place=has_place)

    def enter(self, request: Queued, name: str, limit: int) -> None:
        ticket = self._tickets[request] = next(self._numbers)
        self._requests[ticket] = request
        self.send(ticket, name, limit)

    def leave(self, request: Queued) -> None:
        ticket = self._tickets.pop(request, None)
        if ticket is not None:
            del self._requests[ticket]
            self.send(ticket)

    def set_limit(self, name: str, limit: int) -> None:
        self.send(name, limit)

    def requests(self) -> Iterable[Queued]:
        return self._tickets
