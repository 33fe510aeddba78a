"""uvicorn's server with a main loop that sleeps until it is to stop, and closes connections of slow clients.

uvicorn's own wakes up ten times a second to ask whether to stop, which costs an idle process CPU.
"""

import asyncio
import socket
import time
from contextlib import suppress
from email.utils import formatdate
from types import FrameType

import uvicorn
from uvicorn.server import ServerState

from coderouter_http.protocol.bounded import HttpProtocol
from coderouter_http.protocol.refusals import Refusals

TICK_S = 1.0
"""How often connections are checked."""


class _State(ServerState):
    """Keeps the date in the default headers current, however rarely the server ticks."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._second = 0
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        second = int(time.time())
        if second != self._second:
            date = formatdate(second, usegmt=True).encode()
            self._headers = [(name, date if name == b"date" else value) for name, value in self._headers]
            self._second = second
        return self._headers

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._headers = headers


class StoppableServer(uvicorn.Server):
    """Serves until `stop` is called or a signal arrives."""

    tick_s = TICK_S

    def __init__(self, config: uvicorn.Config, refusals: Refusals) -> None:
        super().__init__(config)
        self.server_state = _State()
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
        while not await self.on_tick(0):  # 0: a tick that also sets the default headers
            self.tick()
            self._check_connections(asyncio.get_running_loop().time())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_requested.wait(), self.tick_s)

    def _check_connections(self, now: float) -> None:
        for connection in tuple(self.server_state.connections):
            if isinstance(connection, HttpProtocol):
                connection.check(now)
        self._refusals.log(now)
