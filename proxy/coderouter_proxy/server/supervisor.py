"""Several worker processes that serve one socket, and the supervisor that starts, watches and stops them.

A worker sends its supervisor the same sd_notify assignments that a single process sends systemd. The supervisor
reports the status of all of them to systemd.
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

from uvicorn.config import STARTUP_FAILURE

from coderouter_events import sd_notify
from coderouter_events.events import WorkerLost
from coderouter_events.sd_notify import Notify
from coderouter_http.logs import LogOptions
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.eventlog.worker_counts import Left
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_proxy.routing import queue_channel
from coderouter_proxy.routing.profiles import UnknownMode
from coderouter_proxy.server.draining import blocked_signals, drain_s_max, stopping
from coderouter_proxy.server.reload import KEPT, reloaded
from coderouter_proxy.server.worker import MESSAGE_BYTES_MAX, PING_S, STOP_WAITING, Shared, run_worker
from coderouter_proxy.settings.launch import Settings, read_settings

HUNG_AFTER_S = 20.0
"""A worker whose event loop sends no message for this long is hung, and its requests with it."""
RESTART_S = 0.5

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Worker:
    number: int
    """From 0; a replacement has that of the worker that exited."""
    process: SpawnProcess
    channel: socket.socket
    last_message_at: float
    running: bool = False
    """Its event loop has run."""
    ready: bool = False
    """It serves the newest configuration."""
    hung: bool = False
    """It was killed because it was unresponsive."""

    def silent_s(self) -> float:
        return time.monotonic() - self.last_message_at


class Supervisor:
    """Runs the workers until a signal, and replaces those that exit before it."""

    def __init__(
        self,
        settings: Settings,
        sock: socket.socket,
        *,
        workers: int,
        grace_s: float,
        logs: LogOptions,
        ready: str,
        notify: Notify = sd_notify.notify,
        hung_after_s: float = HUNG_AFTER_S,
    ) -> None:
        self._settings = settings
        self._sock = sock
        self._worker_count = workers
        self._grace_s = grace_s
        self._logs = logs
        self._status = ready
        self._notify = notify
        self._hung_after_s = hung_after_s
        self._workers: list[_Worker] = []
        self._shared = Shared.for_workers(workers)
        self._places = queue_channel.Supervised()
        self._serving_places = set[asyncio.Task[None]]()
        self._unwritten: list[EventLog] = []
        self._all_exited = asyncio.Event()
        self._stopping = False
        self.failed = False
        """A worker could not start; its log says why."""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._stop, signum)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        resource_tracker.ensure_running()  # its first start would unblock signals that are blocked for a worker
        for _ in range(self._worker_count):
            self._start_worker()
        tasks = [asyncio.create_task(self._ping()), asyncio.create_task(self._kill_hung_workers())]
        await self._all_exited.wait()
        for task in tasks:
            task.cancel()

    def _start_worker(self) -> None:
        if self._stopping:
            return
        number = min(set(range(self._worker_count)) - {worker.number for worker in self._workers})
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.settimeout(0)
        places, wants_places = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        process = get_context("spawn").Process(
            target=run_worker,
            args=(
                self._settings,
                self._sock,
                theirs,
                wants_places,
                self._grace_s,
                self._logs,
                self._shared,
                number,
            ),
            daemon=True,
        )
        with blocked_signals():
            process.start()
        theirs.close()
        wants_places.close()
        worker = _Worker(number, process, ours, time.monotonic())
        self._workers.append(worker)
        loop = asyncio.get_running_loop()
        serving = loop.create_task(self._places.serve(places))
        self._serving_places.add(serving)
        serving.add_done_callback(self._serving_places.discard)
        loop.add_reader(ours, self._receive, worker)
        loop.add_reader(process.sentinel, self._reap, worker)

    def _receive(self, worker: _Worker) -> None:
        with suppress(OSError):
            assignments = worker.channel.recv(MESSAGE_BYTES_MAX).decode().splitlines()
            worker.last_message_at = time.monotonic()
            worker.running = True
            if sd_notify.READY in assignments and not worker.ready:
                worker.ready = True
                self._report_ready()

    def _report_ready(self) -> None:
        all_ready = len(self._workers) == self._worker_count and all(w.ready for w in self._workers)
        if all_ready and not self._stopping:
            self._notify(sd_notify.READY, sd_notify.status(self._status))

    def _reap(self, worker: _Worker) -> None:
        """Remove a worker that has exited, and start a replacement unless we are stopping."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(worker.process.sentinel)
        loop.remove_reader(worker.channel)
        worker.channel.close()
        worker.process.join()
        self._workers.remove(worker)
        pid, exit_code = worker.process.pid, worker.process.exitcode
        left = self._shared.counts.taken(worker.number)
        if exit_code not in (0, STARTUP_FAILURE) and left is not None:
            self._emit_lost(worker, left)
        if exit_code == STARTUP_FAILURE and not self._stopping:
            self.failed = True
            self._stop(signal.SIGTERM)
        elif not self._stopping:
            log.error("worker %s exited (%s); starting a replacement", pid, exit_code)
            running = f"{len(self._workers)} of {self._worker_count} workers running"
            self._notify(sd_notify.status(f"{running}; starting a replacement"))
            loop.call_later(RESTART_S, self._start_worker)
        if self._stopping and not self._workers:
            self._all_exited.set()

    def _emit_lost(self, worker: _Worker, left: Left) -> None:
        """Write the last event of a worker that did not end by itself, with what is known of it.

        Each of its requests is missing an event at least, so as many numbers are left out.
        """
        path = self._settings.launch.events_path
        event_log = EventLog.after(path, left.writer, left.seq + left.in_flight)
        event_log.write(
            WorkerLost(
                pid=worker.process.pid or 0,
                reason="hung" if worker.hung else "exited",
                in_flight=left.in_flight,
            )
        )
        self._unwritten.append(event_log)
        self._write_unwritten()

    def _write_unwritten(self) -> None:
        for event_log in self._unwritten:
            event_log.close()
        self._unwritten = [event_log for event_log in self._unwritten if event_log.backlog]

    def _stop(self, signum: signal.Signals) -> None:
        if self._stopping:
            for worker in self._workers:
                with suppress(OSError):
                    worker.channel.send(STOP_WAITING)
            return
        self._stopping = True
        self._notify(*stopping(self._grace_s))
        self._sock.close()  # once every process has closed it, connections are refused
        self._signal_workers(signum)
        kill_after_s = drain_s_max(self._grace_s)
        asyncio.get_running_loop().call_later(kill_after_s, self._signal_workers, signal.SIGKILL)
        if not self._workers:
            self._all_exited.set()

    def _reload(self) -> None:
        """Have all workers reload the configuration; a worker that starts later gets the newest valid one."""
        self._notify(*sd_notify.reloading())
        try:
            self._settings = read_settings(self._settings.launch)
            self._status = reloaded(self._settings.launch)
        except (ConfigErrors, UnknownMode):  # the workers log what is wrong with it
            self._status = KEPT
        for worker in self._workers:
            worker.ready = False
        self._signal_workers(signal.SIGHUP)

    def _signal_workers(self, signum: signal.Signals) -> None:
        for worker in self._workers:
            if worker.process.pid is not None:
                os.kill(worker.process.pid, signum)

    async def _ping(self) -> None:
        """Keep systemd's watchdog satisfied while every worker is responsive."""
        watchdog_s = sd_notify.watchdog_s()
        while watchdog_s is not None:
            if all(worker.silent_s() < watchdog_s / 2 + PING_S for worker in self._workers):
                self._notify(sd_notify.ALIVE)
            await asyncio.sleep(watchdog_s / 2)

    async def _kill_hung_workers(self) -> None:
        while True:
            await asyncio.sleep(self._hung_after_s / 4)
            self._write_unwritten()
            for worker in self._workers:
                if worker.running and worker.silent_s() > self._hung_after_s:
                    pid = worker.process.pid
                    log.error("worker %s has been unresponsive for %g s; killing it", pid, self._hung_after_s)
                    worker.hung = True
                    worker.process.kill()
