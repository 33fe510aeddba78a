"""The HTTP server of one process: says how it is, and lets requests come to an end before it stops."""

import asyncio
import functools
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn

from coderouter_events import sd_notify
from coderouter_events.sd_notify import Notify
from coderouter_proxy.errors import SHUTTING_DOWN
from coderouter_proxy.server import app
from coderouter_proxy.server.lifecycle import SIGNALS
from coderouter_proxy.settings.settings import Settings

LAST_WORDS_S = 2.0
"""For clients to take in the end of their answers; one that reads nothing by then is cut off."""
MARGIN_S = 8.0
"""What a busy machine may need on top, until the last event is written."""
KEEP_ALIVE_S = 75  # longer than SDK clients keep an idle connection, so that they close it, not we


def drain_s_max(grace_s: float) -> float:
    """Return how long a process takes at most from the signal to its end."""
    return grace_s + LAST_WORDS_S + MARGIN_S


class DrainingServer(uvicorn.Server):
    """Serves until a signal; then running requests have `grace_s` to finish, or until a second signal.

    What is left after that is cancelled, so that each request ends in the words of its wire and is noted, before the
    app is told to stop. uvicorn's own patience would tell the app at once.
    """

    def __init__(
        self, settings: Settings, notify: Notify, *, grace_s: float, ping_s: float | None, ready: str
    ) -> None:
        super().__init__(_config(settings, notify))
        self._notify = notify
        self._grace_s = grace_s
        self._ping_s = ping_s
        self._ready = ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hurried = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._notify(sd_notify.READY, sd_notify.status(self._ready))
        if self._ping_s is not None:
            self._pinging = asyncio.create_task(self._ping(self._ping_s))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit:
            self.hurry()
        self.should_exit = True

    def hurry(self) -> None:
        """Let no request that is still running have more time."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._hurried.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notify(
            sd_notify.STOPPING,
            sd_notify.status(f"stopping; running requests may take {self._grace_s:g} s"),
            sd_notify.extended(drain_s_max(self._grace_s)),
        )
        ending = asyncio.create_task(self._end_requests())
        await super().shutdown(sockets)
        ending.cancel()

    async def _end_requests(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurried.wait(), self._grace_s)
        for task in self.server_state.tasks:
            task.cancel(SHUTTING_DOWN)
        await asyncio.sleep(LAST_WORDS_S)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _ping(self, every_s: float) -> None:
        while True:
            self._notify(sd_notify.ALIVE)
            await asyncio.sleep(every_s)


def _config(settings: Settings, notify: Notify) -> uvicorn.Config:
    return uvicorn.Config(
        functools.partial(app.create, settings, notify),
        factory=True,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )


@contextmanager
def held_signals() -> Iterator[None]:
    """Let signals wait, also in processes that are started meanwhile, until the app in them handles them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
