"""The HTTP server: woken by its end, and telling systemd how the loop behind it is doing."""

import asyncio
import socket
import time
from contextlib import suppress
from types import FrameType

import uvicorn

from coderouter_events import sd_notify
from coderouter_exporter.engine.loop import Engine, Published

TICK_S = 1.0


class Progress:
    """Notes when the loop last took a step; `at` is monotonic."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def __call__(self, step: str) -> None:
        self.at = time.monotonic()


class Server(uvicorn.Server):
    """A server that is woken by the end instead of asking for it ten times a second, which costs an idle CPU.

    It is ready when it serves, for a long catch-up is no failed start. It tells systemd that it lives only while the
    loop takes steps: a scrape is answered also when the disk hangs, but with what was counted before.
    """

    def __init__(self, config: uvicorn.Config, follower: Engine, progress: Progress) -> None:
        super().__init__(config)
        self._follower = follower
        self._progress = progress
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchdog_s = sd_notify.watchdog_s()
        self._pinged_at = 0.0
        self._status = ""

    def end(self) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.end()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        sd_notify.notify(sd_notify.READY)
        tick_s = min(TICK_S, self._watchdog_s / 2) if self._watchdog_s else TICK_S
        while not await self.on_tick(0):  # 0: the tick that also sets the date header
            self._tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), tick_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        sd_notify.notify(sd_notify.STOPPING, sd_notify.status("stopping; counts what is written until now"))
        await super().shutdown(sockets)

    def _tell(self) -> None:
        status = _sentence(self._follower.published)
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


def _sentence(published: Published) -> str:
    if published.commits_failing:
        return "the state file cannot be written; what was committed before is served"
    if not published.caught_up:
        behind = sum(source.bytes_behind for source in published.sources)
        return f"serves, and still catches up: {behind:,} bytes behind"
    unread = ", ".join(str(source.path) for source in published.sources if not source.readable)
    return (
        f"caught up; not there yet, or not readable: {unread}" if unread else "caught up with the event files"
    )
