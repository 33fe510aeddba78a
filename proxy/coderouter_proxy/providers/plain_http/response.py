"""One response as it arrives on a connection, and the reader that waits for it."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from coderouter_proxy.errors import ProviderError

BUFFER_BYTES_MAX = 256 * 1024
"""Of a body that waits to be read; with more, nothing is read from the server."""

BROKEN = "the connection broke in the middle of the answer"
DISCONNECTED = "the server closed the connection without an answer"


class Headers:
    """The fields of a response by their lower-case names; of a repeated one, the first."""

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            self._fields.setdefault(name.lower().decode("latin-1"), value.decode("latin-1"))

    def get(self, name: str) -> str | None:
        return self._fields.get(name.lower())

    def items(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields.items())


class Line(Protocol):
    """The connection that a response arrives on."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def give_back(self) -> None:
        """Take the next request on this connection."""
        ...

    def abort(self) -> None: ...


class PlainResponse:
    """What the connection has received of one response; it keeps no data of the next one.

    `begin`, `add`, `complete` and `fail` are the connection's, in this order.
    """

    def __init__(self, line: Line) -> None:
        self.status = 0
        self.reason = ""
        self.headers = Headers([])
        self._line: Line | None = line
        self._loop = asyncio.get_running_loop()
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = False
        self._complete = False
        self._reusable = False
        self._error: ProviderError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def begun(self) -> None:
        """Wait for the end of the head.

        Raises:
            ProviderError: there will be none.
        """
        if not self.status and self._error is None:
            await self._wait()
        if self._error is not None and not self.status:
            raise self._error

    async def readany(self) -> bytes:
        """Return what has arrived of the body and was not read yet, or nothing at its end.

        Raises:
            ProviderError: the connection broke.
        """
        if not (self._chunks or self._complete or self._error):
            await self._wait()
        if self._chunks:
            chunks, self._chunks, self._size = self._chunks, [], 0
            if self._paused:
                self._paused = False
                if self._line is not None:
                    self._line.resume()
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if self._error is not None:
            raise self._error
        return b""

    @property
    def is_complete(self) -> bool:
        """The whole body has arrived."""
        return self._complete

    def at_eof(self) -> bool:
        """Return whether the whole body has arrived and was read."""
        return self._complete and not self._chunks

    def release(self) -> None:
        """Let the connection serve the next request, if all of the body has been read."""
        line, self._line = self._line, None
        if line is None:
            return
        if self._reusable and self.at_eof():
            line.give_back()
        else:
            line.abort()

    def close(self) -> None:
        """Close the connection, unless it was released; whoever waits for the body gets an error."""
        line, self._line = self._line, None
        if line is not None:
            line.abort()
            self.fail(ProviderError("connect", BROKEN))

    def begin(self, status: int, reason: str, headers: Headers) -> None:
        self.status, self.reason, self.headers = status, reason, headers
        self._wake()

    def add(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._size > BUFFER_BYTES_MAX and not self._paused and self._line is not None:
            self._paused = True
            self._line.pause()
        self._wake()

    def complete(self, *, reusable: bool) -> None:
        self._complete, self._reusable = True, reusable
        self._wake()

    def fail(self, error: ProviderError) -> None:
        if not self._complete and self._error is None:
            self._error = error
            self._wake()

    async def _wait(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
