"""Renders for many readers at once: whoever waits for a rendering shares it, and nobody holds a copy."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PIECE_BYTES = 1 << 16
"""As much as a connection buffers before it waits for its client to read."""
HELD_MAX = 8
"""Renderings that are being sent. A client that holds an older one is not reading."""

Key = TypeVar("Key")


class Rendering:
    """A response body in pieces. Connections refer to the pieces; `cut` ends those that are still being sent."""

    def __init__(self, body: bytes, headers: dict[str, str], *, status: int = 200) -> None:
        self.status = status
        self.headers = {**headers, "content-length": str(len(body))}
        self.pieces = [body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES)] or [b""]
        self.readers: set[asyncio.Task[None]] = set()
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True
        for reader in self.readers:
            reader.cancel()


class Renderings(Generic[Key]):
    """Renders by key: what one rendering depends on besides the time.

    Of each key one is made at a time. All who ask meanwhile wait for the next one, which begins after they asked.
    """

    def __init__(self, render: Callable[[Key], Awaitable[Rendering]]) -> None:
        self._render = render
        self._turns: defaultdict[Key, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._next: dict[Key, asyncio.Task[Rendering]] = {}
        self._held: dict[Rendering, None] = {}
        """Those that are being sent, oldest first."""

    async def next(self, key: Key) -> Rendering:
        """Return the rendering that begins next."""
        waiting = self._next.get(key)
        if waiting is None:
            waiting = self._next[key] = asyncio.create_task(self._run(key))
        return await asyncio.shield(waiting)  # a client that leaves takes it from no other

    def response(self, rendering: Rendering) -> Response:
        return _Response(self, rendering)

    @contextmanager
    def reading(self, rendering: Rendering) -> Iterator[None]:
        """Hold the rendering for the current task. It is cancelled when too many newer ones are held."""
        task = asyncio.current_task()
        assert task is not None
        rendering.readers.add(task)
        self._held[rendering] = None
        if len(self._held) > HELD_MAX:
            next(iter(self._held)).cut()
        try:
            yield
        except asyncio.CancelledError:
            if not rendering.is_cut:
                raise
            task.uncancel()
        finally:
            rendering.readers.discard(task)
            if not rendering.readers:
                self._held.pop(rendering, None)

    async def _run(self, key: Key) -> Rendering:
        async with self._turns[key]:
            del self._next[key]
            return await self._render(key)


class _Response(Response):
    """Sends a rendering piece by piece, as fast as the client reads."""

    def __init__(self, renderings: Renderings[Key], rendering: Rendering) -> None:
        super().__init__(status_code=rendering.status, headers=rendering.headers)
        self._renderings = renderings
        self._rendering = rendering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with self._renderings.reading(self._rendering):
            *pieces, last = self._rendering.pieces
            for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": last, "more_body": False})
