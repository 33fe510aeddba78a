"""How the workers of a proxy share places: their supervisor gives them out, each has a connection to it.

A line from a worker is `[ticket, name, limit]` to enter and `[ticket]` to leave; the supervisor answers with
`[ticket, has_place]`. When a connection ends, its tickets leave: the kernel closes those of a killed process.
"""

import asyncio
import socket
from typing import Protocol, cast

import orjson

from coderouter_proxy.routing.queue_places import Places

_channel: list[socket.socket] = []


class Answered(Protocol):
    def __call__(self, ticket: int, *, has_place: bool) -> None: ...


class Supervised:
    """The desk in the supervisor, for all workers."""

    def __init__(self) -> None:
        self._places = Places[tuple[asyncio.StreamWriter, int]](
            lambda ticket: _answer(*ticket, has_place=True)
        )

    async def serve(self, sock: socket.socket) -> None:
        """Serve a worker until its end of the connection is closed."""
        reader, writer = await asyncio.open_unix_connection(sock=sock)
        tickets = set[int]()
        try:
            async for line in reader:
                self._read(orjson.loads(line), tickets, writer)
        except OSError:
            pass
        finally:
            writer.close()
            for ticket in tickets:
                self._places.leave((writer, ticket))

    def _read(self, message: list[int | str], tickets: set[int], writer: asyncio.StreamWriter) -> None:
        match message:
            case [int(ticket), str(name), int(limit)]:
                tickets.add(ticket)
                _answer(writer, ticket, has_place=self._places.enter((writer, ticket), name, limit))
            case [int(ticket)]:
                tickets.discard(ticket)
                self._places.leave((writer, ticket))
            case _:
                raise AssertionError(message)


def _answer(writer: asyncio.StreamWriter, ticket: int, *, has_place: bool) -> None:
    if not writer.is_closing():
        writer.write(orjson.dumps([ticket, has_place]) + b"\n")


def use(channel: socket.socket) -> None:
    """Let this process, which is a worker, get its places over this connection."""
    _channel[:] = [channel]


async def connect(answered: Answered) -> "_Connection | None":
    """Return the desk of this worker; None if the process is none."""
    if not _channel:
        return None
    connection = _Connection(answered)
    await asyncio.get_running_loop().create_unix_connection(lambda: connection, sock=_channel.pop())
    return connection


class _Connection(asyncio.Protocol):
    def __init__(self, answered: Answered) -> None:
        self._answered = answered
        self._begun = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is one by shape only

    def data_received(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            ticket, has_place = orjson.loads(line)
            self._answered(ticket, has_place=has_place)

    def enter(self, ticket: int, name: str, limit: int) -> None:
        self._send([ticket, name, limit])

    def leave(self, ticket: int) -> None:
        self._send([ticket])

    def _send(self, message: list[int | str]) -> None:
        self._transport.write(orjson.dumps(message) + b"\n")
