"""The HTTP server of one process: reports its status and lets in-flight requests finish before it stops."""

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
from coderouter_http.protocol.bounded import bounded
from coderouter_http.protocol.refusals import Refusals
from coderouter_http.server import StoppableServer
from coderouter_proxy.errors import SHUTTING_DOWN
from coderouter_proxy.ingress.body import stop_reading
from coderouter_proxy.server import app
from coderouter_proxy.server.lifecycle import SIGNALS
from coderouter_proxy.server.refused import error_body
from coderouter_proxy.settings.launch import Settings

FLUSH_S = 2.0
"""For clients to read the end of their answers; one that has not by then is disconnected."""
MARGIN_S = 8.0
"""On top, for a busy machine to write the last event."""


def drain_s_max(grace_s: float) -> float:
    """Return the longest time that a process takes from the signal to its end."""
    return grace_s + FLUSH_S + MARGIN_S


def stopping(grace_s: float) -> tuple[str, ...]:
    """Return the sd_notify assignments of a process that starts to drain."""
    return (
        sd_notify.STOPPING,
        sd_notify.status(f"stopping; waiting for in-flight requests, up to {grace_s:g} s"),
        sd_notify.extend_timeout(drain_s_max(grace_s)),
    )


class DrainingServer(StoppableServer):
    """Serves until a signal; then in-flight requests have `grace_s` to finish, unless a second signal comes.

    Requests that are left are cancelled: each ends with the error of its wire and writes its event before the app
    shuts down. uvicorn's own timeout would shut the app down right after cancelling them.
    """

    def __init__(
        self, settings: Settings, notify: Notify, *, grace_s: float, ping_s: float | None, ready: str
    ) -> None:
        refusals = Refusals(error_body)
        super().__init__(_config(settings, notify, refusals), refusals)
        self._notify = notify
        self._grace_s = grace_s
        self._ping_s = ping_s
        self._ready = ready
        self._stop_waiting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._notify(sd_notify.READY, sd_notify.status(self._ready))
        if self._ping_s is not None:
            self._pinging = asyncio.create_task(self._ping(self._ping_s))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not the base's: it records the signal, which uvicorn raises again after the shutdown.
        if self.should_exit:
            self.stop_waiting()
        self.stop()

    def stop_waiting(self) -> None:
        """Cancel the in-flight requests now."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_waiting.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notify(*stopping(self._grace_s))
        stop_reading()
        ending = asyncio.create_task(self._end_requests())
        await super().shutdown(sockets)
        ending.cancel()

    async def _end_requests(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop_waiting.wait(), self._grace_s)
        for task in self.server_state.tasks:
            task.cancel(SHUTTING_DOWN)
        await asyncio.sleep(FLUSH_S)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _ping(self, interval_s: float) -> None:
        while True:
            self._notify(sd_notify.ALIVE)
            await asyncio.sleep(interval_s)


def _config(settings: Settings, notify: Notify, refusals: Refusals) -> uvicorn.Config:
    return uvicorn.Config(
        functools.partial(app.create, settings, notify, refusals),
        factory=True,
        loop="uvloop",
        http=bounded(settings.limits, refusals),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


@contextmanager
def blocked_signals() -> Iterator[None]:
    """Block signals, also in processes started meanwhile, until the app in them handles signals."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
