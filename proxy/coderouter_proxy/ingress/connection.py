"""The client's connection: cancelling work when the client disconnects, and keeping a silent stream alive."""

import asyncio
from typing import Self

from starlette.types import Receive, Send

from coderouter_http.deadlines import Deadlines
from coderouter_proxy.errors import CLIENT_LEFT, ClientDisconnected

WATCH_AFTER_S = 0.05  # faster answers do not pay for a task that watches the client


class KeepAlive:
    """Sends a ping into a stream that has been silent for `silence_s`; call it with each piece that is sent."""

    def __init__(self, send: Send, ping: bytes, silence_s: float) -> None:
        self._send = send
        self._ping = ping
        self._silence_s = silence_s
        self._loop = asyncio.get_running_loop()
        self._sending: asyncio.Task[None] | None = None

    def __call__(self) -> None:
        self._sent_at = self._loop.time()

    async def __aenter__(self) -> Self:
        self()
        self._timer = self._loop.call_at(self._sent_at + self._silence_s, self._check)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._sending is not None:
            await self._sending

    def _check(self) -> None:
        # One timer for the whole stream: rescheduling it for each piece would cost more than sending the piece.
        if self._loop.time() >= self._sent_at + self._silence_s:
            self()
            self._sending = asyncio.create_task(self._send_ping())
        self._timer = self._loop.call_at(self._sent_at + self._silence_s, self._check)

    async def _send_ping(self) -> None:
        await self._send({"type": "http.response.body", "body": self._ping, "more_body": True})


class CancelOnDisconnect:
    """Cancels its block when the client disconnects, and raises ClientDisconnected instead of the cancellation."""

    def __init__(self, receive: Receive, deadlines: Deadlines) -> None:
        """`deadlines` are those of `WATCH_AFTER_S`, after which a task watches the client."""
        self._receive = receive
        self._deadlines = deadlines
        self._watcher: asyncio.Task[None] | None = None
        self._disconnected = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._deadlines.begin(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._deadlines.end(self)
        if self._watcher is not None:
            self._watcher.cancel()
        if self._disconnected and kind is asyncio.CancelledError:
            self._task.uncancel()
            raise ClientDisconnected from None

    def overdue(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._disconnected = True
        self._task.cancel(CLIENT_LEFT)
