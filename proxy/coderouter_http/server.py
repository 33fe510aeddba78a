"""uvicorn's server with a main loop that sleeps until it is to stop, and closes connections of slow clients.

uvicorn's own wakes up ten times a second to ask whether to stop, which costs an idle process CPU.
"""

import asyncio
import socket
from contextlib import suppress
from types import FrameType

import uvicorn

from coderouter_http.protocol.bounded import HttpProtocol
from coderouter_http.protocol.refusals import Refusals

TICK_S = 1.0
"""How often the date header is renewed, and connections are checked."""


class StoppableServer(uvicorn.Server):
    """Serves until `stop` is called or a signal arrives."""

    tick_s = TICK_S

    def __init__(self, config: uvicorn.Config, refusals: Refusals) -> None:
        super().__init__(config)
        self._refusals = refusals
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requested = asyncio.Event()

    def stop(self) -> None:
        """Begin to shut down. May be called from any thread and from a signal handler, also before the start."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_requested.set)

    def tick(self) -> None:
        """Do what is due every `tick_s`; the first call comes once the server serves."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # 0: a tick that also renews the date header
            self.tick()
            self._check_connections(asyncio.get_running_loop().time())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_requested.wait(), self.tick_s)

    def _check_connections(self, now: float) -> None:
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, HttpProtocol):
                connection.check(now)
        self._refusals.log(now)
