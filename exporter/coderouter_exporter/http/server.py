"""The HTTP server, which also reports the state of the engine to systemd."""

import math
import socket
import time

import uvicorn

from coderouter_events import sd_notify
from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.published import Published
from coderouter_http.protocol.limits import Limits
from coderouter_http.protocol.refusals import Refusal, Refusals
from coderouter_http.server import StoppableServer

TICK_S = 5.0
"""An idle exporter wakes up rarely."""
LIMITS = Limits(idle_s=60, half_s=60, unread_s=60, descriptors_per_connection=1)


def error_body(refusal: Refusal) -> tuple[bytes, bytes]:
    """Return content type and body of a refusal."""
    return b"text/plain; charset=utf-8", f"{refusal.message}\n".encode()


class Progress:
    """When the engine last took a step; `at` is monotonic."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def __call__(self, step: str) -> None:
        self.at = time.monotonic()


class Server(StoppableServer):
    """Reports ready once it serves, because a long catch-up is no failed start.

    It pings the watchdog only while the engine takes steps: scrapes are answered even when the disk hangs, but with
    old values.
    """

    def __init__(
        self, config: uvicorn.Config, refusals: Refusals, engine: Engine, progress: Progress
    ) -> None:
        super().__init__(config, refusals)
        self._engine = engine
        self._progress = progress
        self._watchdog_s = sd_notify.watchdog_s()
        self.tick_s = min(TICK_S, (self._watchdog_s or math.inf) / 2)
        self._pinged_at = 0.0
        self._status = ""

    async def main_loop(self) -> None:
        sd_notify.notify(sd_notify.READY)
        await super().main_loop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        sd_notify.notify(
            sd_notify.STOPPING, sd_notify.status("stopping; counting what has been written so far")
        )
        await super().shutdown(sockets)

    def tick(self) -> None:
        status = _status(self._engine.published)
        if status != self._status:
            sd_notify.notify(sd_notify.status(status))
            self._status = status
        now = time.monotonic()
        if (
            self._watchdog_s is not None
            and now - self._pinged_at >= self._watchdog_s / 2
            and now - self._progress.at < self._watchdog_s
        ):
            sd_notify.notify(sd_notify.ALIVE)
            self._pinged_at = now


def _status(published: Published) -> str:
    if published.unavailable and not published.caught_up and not published.sources:
        return published.unavailable
    if published.commits_failing:
        return "the state file cannot be written; serving the last committed values"
    if not published.caught_up:
        return f"serving while catching up: {published.bytes_behind:,} bytes behind"
    unread = ", ".join(source.name for source in published.sources if not source.readable)
    return f"caught up; missing or unreadable: {unread}" if unread else "caught up with the event files"
