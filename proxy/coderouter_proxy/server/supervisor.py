"""Several processes that answer on one socket, and the supervisor that starts, watches and stops them.

A worker tells its supervisor how it is in the words in which a single process tells systemd, and the supervisor tells
systemd how all of them are.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.context import SpawnProcess
from types import FrameType

from uvicorn.config import STARTUP_FAILURE

from coderouter_events import sd_notify
from coderouter_events.sd_notify import Notify
from coderouter_http.logs import log_to_stderr
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.routing.profiles import UnknownMode
from coderouter_proxy.server.draining import DrainingServer, drain_s_max, held_signals
from coderouter_proxy.server.reload import KEPT, reloaded
from coderouter_proxy.settings import settings as proxy_settings
from coderouter_proxy.settings.settings import Settings

PING_S = 1.0
SILENT_S = 20.0
"""A worker whose event loop says nothing for so long hangs, and its requests with it."""
RESTART_S = 0.5
MESSAGE_BYTES_MAX = 4096
HURRY = b"hurry"

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    line: socket.socket
    heard_at: float
    answers: bool = False
    """Its event loop has run."""
    ready: bool = False
    """It serves, and by the newest configuration."""


class Supervisor:
    """Runs the workers until a signal, and those that end before it are started anew."""

    def __init__(
        self,
        settings: Settings,
        sock: socket.socket,
        *,
        workers: int,
        grace_s: float,
        log_level: str,
        ready: str,
        notify: Notify = sd_notify.notify,
        silent_s: float = SILENT_S,
    ) -> None:
        self._settings = settings
        self._sock = sock
        self._number = workers
        self._grace_s = grace_s
        self._log_level = log_level
        self._told = ready
        self._notify = notify
        self._silent_s = silent_s
        self._workers: list[_Worker] = []
        self._ended = asyncio.Event()
        self._stopping = False
        self.failed = False
        """A worker could not start, and its log says why."""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._stop, signum)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        resource_tracker.ensure_running()  # on its first start it lets signals through that are held for a worker
        for _ in range(self._number):
            self._start()
        tasks = [asyncio.create_task(self._ping()), asyncio.create_task(self._end_hanging())]
        await self._ended.wait()
        for task in tasks:
            task.cancel()

    def _start(self) -> None:
        if self._stopping:
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.settimeout(0)
        process = get_context("spawn").Process(
            target=_work,
            args=(self._settings, self._sock, theirs, self._grace_s, self._log_level),
            daemon=True,
        )
        with held_signals():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, time.monotonic())
        self._workers.append(worker)
        loop = asyncio.get_running_loop()
        loop.add_reader(ours, self._hear, worker)
        loop.add_reader(process.sentinel, self._bury, worker)

    def _hear(self, worker: _Worker) -> None:
        with suppress(OSError):
            said = worker.line.recv(MESSAGE_BYTES_MAX).decode().splitlines()
            worker.heard_at = time.monotonic()
            worker.answers = True
            if sd_notify.READY in said and not worker.ready:
                worker.ready = True
                self._tell()

    def _tell(self) -> None:
        if not self._stopping and len(self._workers) == self._number and all(w.ready for w in self._workers):
            self._notify(sd_notify.READY, sd_notify.status(self._told))

    def _bury(self, worker: _Worker) -> None:
        """Take leave of a worker that has ended, and start another unless the end is what we want."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.process.sentinel)
        loop.remove_reader(worker.line)
        worker.line.close()
        worker.process.join()
        self._workers.remove(worker)
        if worker.process.exitcode == STARTUP_FAILURE and not self._stopping:
            self.failed = True
            self._stop(signal.SIGTERM)
        elif not self._stopping:
            log.error("worker %s ended (%s); another one starts", worker.process.pid, worker.process.exitcode)
            self._notify(
                sd_notify.status(f"{len(self._workers)} of {self._number} workers serve; another one starts")
            )
            loop.call_later(RESTART_S, self._start)
        if self._stopping and not self._workers:
            self._ended.set()

    def _stop(self, signum: signal.Signals) -> None:
        if self._stopping:
            for worker in self._workers:
                with suppress(OSError):
                    worker.line.send(HURRY)
            return
        self._stopping = True
        patience_s = drain_s_max(self._grace_s)
        self._notify(
            sd_notify.STOPPING,
            sd_notify.status(f"stopping; running requests may take {self._grace_s:g} s"),
            sd_notify.extended(patience_s),
        )
        self._sock.close()  # the last one that closes it lets clients see that nobody listens
        self._signal(signum)
        asyncio.get_running_loop().call_later(patience_s, self._signal, signal.SIGKILL)
        if not self._workers:
            self._ended.set()

    def _reload(self) -> None:
        """Let all workers read the configuration anew; one that starts later begins with the newest sound one."""
        self._notify(*sd_notify.reloading())
        try:
            self._settings = proxy_settings.read(self._settings.start)
            self._told = reloaded(self._settings.start)
        except (ConfigErrors, UnknownMode):  # workers say what is wrong with it
            self._told = KEPT
        for worker in self._workers:
            worker.ready = False
        self._signal(signal.SIGHUP)

    def _signal(self, signum: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process.pid is not None:
                os.kill(worker.process.pid, signum)

    async def _ping(self) -> None:
        """Tell systemd that we live while all workers do."""
        watchdog_s = sd_notify.watchdog_s()
        while watchdog_s is not None:
            if all(_silent_s(worker) < watchdog_s / 2 + PING_S for worker in self._workers):
                self._notify(sd_notify.ALIVE)
            await asyncio.sleep(watchdog_s / 2)

    async def _end_hanging(self) -> None:
        while True:
            await asyncio.sleep(self._silent_s / 4)
            for worker in self._workers:
                if worker.answers and _silent_s(worker) > self._silent_s:
                    log.error("worker %s has hung for %g s and is ended", worker.process.pid, self._silent_s)
                    worker.process.kill()


def _silent_s(worker: _Worker) -> float:
    return time.monotonic() - worker.heard_at


class _WorkerServer(DrainingServer):
    """Takes a signal for the one that its supervisor had too, however often it comes, and hurries when told to."""

    def __init__(self, settings: Settings, line: socket.socket, grace_s: float) -> None:
        super().__init__(settings, self._say, grace_s=grace_s, ping_s=PING_S, ready="")
        self._line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().add_reader(self._line, self._hear)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True

    def _hear(self) -> None:
        with suppress(OSError):
            if self._line.recv(MESSAGE_BYTES_MAX) == HURRY:
                self.hurry()

    def _say(self, *assignments: str) -> None:
        with suppress(OSError):
            self._line.send("\n".join(assignments).encode())


def _work(
    settings: Settings, sock: socket.socket, line: socket.socket, grace_s: float, log_level: str
) -> None:
    log_to_stderr(log_level)
    line.settimeout(0)
    _WorkerServer(settings, line, grace_s).run([sock])
