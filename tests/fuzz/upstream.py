"""A provider that plays the answer of the case that a request names in its message, or else a sound one."""

import asyncio
import re
from dataclasses import dataclass

from support.proxy import anthropic_answers, openai_answers, responses_answers
from support.proxy.upstream import HEAD_BYTES_MAX, Script

_NAME = re.compile(rb"case-\d+")
_SAYS = {"completions": openai_answers, "messages": anthropic_answers, "responses": responses_answers}
"""By the last word of the path."""


@dataclass(frozen=True)
class Played:
    """An answer in pieces. If it is `broken_off`, the connection is cut behind them."""

    content_type: str
    pieces: list[bytes]
    broken_off: bool

    def written(self) -> list[bytes]:
        """Return what is written to the connection."""
        head = (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: %b\r\n\r\n"
            % self.content_type.encode()
        )
        chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in self.pieces]
        return [head, *chunks] if self.broken_off else [head, *chunks, b"0\r\n\r\n"]


@dataclass(frozen=True)
class RawPlayed:
    """What is written to the connection, which is cut behind it, or left open for the next request."""

    pieces: list[bytes]
    broken_off: bool

    def written(self) -> list[bytes]:
        return self.pieces


class Upstream:
    def __init__(self) -> None:
        self.cases: dict[str, Played | RawPlayed] = {}
        self.port = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, limit=HEAD_BYTES_MAX)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                played = await self._next(reader)
                for piece in played.written():
                    writer.write(piece)
                    await asyncio.sleep(0)  # so that the pieces may arrive one by one
                if played.broken_off:
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> Played | RawPlayed:
        """Return the answer to the next request."""
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await reader.readexactly(size)
        named = _NAME.search(body)
        known = self.cases.get(named[0].decode()) if named else None
        return known or _sound(head.split(b" ", 2)[1].decode(), body)


def _sound(path: str, body: bytes) -> RawPlayed:
    says = _SAYS[path.rpartition("/")[2]]
    script: Script = says.streamed() if b'"stream":true' in body else says.answer()
    return RawPlayed([step for step in script if isinstance(step, bytes)], broken_off=False)
