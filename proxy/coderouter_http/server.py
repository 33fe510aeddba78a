"""uvicorn's server with a main loop that sleeps until it is to stop.

uvicorn's own wakes up ten times a second to ask whether to stop, which costs an idle process CPU.
"""

import asyncio
import socket
from contextlib import suppress
from types import FrameType

import uvicorn

TICK_S = 1.0
"""How often the date header is renewed."""


class StoppableServer(uvicorn.Server):
    """Serves until `stop` is called or a signal arrives."""

    tick_s = TICK_S

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
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
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_requested.wait(), self.tick_s)
