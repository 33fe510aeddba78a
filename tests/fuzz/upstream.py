"""A provider that plays the answer of the case that a request names in its message."""

import asyncio
import re
from dataclasses import dataclass

from support.proxy.upstream import HEAD_BYTES_MAX

_NAME = re.compile(rb"case-\d+")


@dataclass(frozen=True)
class Played:
    """An answer in pieces. If it is `broken_off`, the connection is cut behind them."""

    content_type: str
    pieces: list[bytes]
    broken_off: bool


class Upstream:
    def __init__(self) -> None:
        self.cases: dict[str, Played] = {}
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, limit=HEAD_BYTES_MAX)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                played = self.cases[await _named(reader)]
                writer.write(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: %b\r\n\r\n"
                    % played.content_type.encode()
                )
                for piece in played.pieces:
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await asyncio.sleep(0)  # so that the pieces may arrive one by one
                if played.broken_off:
                    break
                writer.write(b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


async def _named(reader: asyncio.StreamReader) -> str:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    named = _NAME.search(await reader.readexactly(size))
    assert named is not None
    return named[0].decode()
