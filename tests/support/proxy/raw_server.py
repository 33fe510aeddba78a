"""A server that answers each request with bytes from a script, and remembers what it was sent."""

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import Final, Self

CLOSE: Final = "close"
RESET: Final = "reset"
WAIT: Final = "wait"
"""Until the test lets the server continue."""

Step = bytes | str
LENGTH = b"content-length: "


@dataclass
class RawServer:
    """Each element of `answers` is the script for one request, in the order in which they arrive."""

    answers: Sequence[Sequence[Step]]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """A request has arrived."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """A client has closed its connection."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._scripts = iter(self.answers)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await _request(reader))
                self.asked.set()
                for step in next(self._scripts):
                    if not await self._did(step, writer):
                        return
        except (asyncio.IncompleteReadError, ConnectionError, StopIteration):
            self.left.set()
        finally:
            writer.close()

    async def _did(self, step: Step, writer: asyncio.StreamWriter) -> bool:
        """Return whether the connection continues."""
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        elif step == WAIT:
            await self.go_on.wait()
        else:
            if step == RESET:
                given: socket = writer.get_extra_info("socket")
                given.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return True


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(LENGTH)]
    return head + await reader.readexactly(int(lengths[0].removeprefix(LENGTH)))
