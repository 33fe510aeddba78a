"""A worker process: what it shares with its supervisor, and how it serves."""

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Self

from coderouter_http.logs import LogOptions, log_to_stderr
from coderouter_proxy.eventlog import worker_counts
from coderouter_proxy.eventlog.worker_counts import WorkerCounts
from coderouter_proxy.routing import queue_channel, worker_memory
from coderouter_proxy.routing.worker_memory import WorkerMemory
from coderouter_proxy.server.draining import DrainingServer
from coderouter_proxy.settings.launch import Settings
from coderouter_proxy.wires.clients import RESPONSES
from coderouter_proxy.wires.responses import shared_memory
from coderouter_proxy.wires.responses.shared_memory import SharedMemory

PING_S = 1.0
MESSAGE_BYTES_MAX = 4096
STOP_WAITING = b"stop waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The memory that all workers share; none for `responses` on a system where it would be on disk."""

    counts: WorkerCounts
    routing: WorkerMemory
    responses: SharedMemory | None

    @classmethod
    def for_workers(cls, workers: int) -> Self:
        return cls(
            counts=WorkerCounts(workers),
            routing=worker_memory.for_workers(workers),
            responses=shared_memory.for_workers(workers),
        )

    def use(self, number: int) -> None:
        """Let this process, which is the worker of this number, use its part from now on."""
        worker_counts.share(self.counts.of(number))
        self.routing.write_to(number)
        worker_memory.share(self.routing)
        if self.responses is not None:
            self.responses.write_to(number)
            RESPONSES.memory = self.responses


def run_worker(
    settings: Settings,
    sock: socket.socket,
    channel: socket.socket,
    places: socket.socket,
    grace_s: float,
    logs: LogOptions,
    shared: Shared,
    number: int,
) -> None:
    """Serve until a signal, or the supervisor at the other end of the channel, stops it."""
    log_to_stderr(logs)
    channel.settimeout(0)
    queue_channel.use(places)
    shared.use(number)
    WorkerServer(settings, channel, grace_s).run([sock])


class WorkerServer(DrainingServer):
    """Ignores repeated signals, because the supervisor gets them too, and stops draining when the supervisor says so.

    A terminal or systemd sends a signal to every process, and the supervisor passes it on as well.
    """

    def __init__(self, settings: Settings, channel: socket.socket, grace_s: float) -> None:
        super().__init__(settings, self._send, grace_s=grace_s, ping_s=PING_S, ready="")
        self._channel = channel

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().add_reader(self._channel, self._receive)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stop()

    def _receive(self) -> None:
        with suppress(OSError):
            if self._channel.recv(MESSAGE_BYTES_MAX) == STOP_WAITING:
                self.stop_waiting()

    def _send(self, *assignments: str) -> None:
        with suppress(OSError):
            self._channel.send("\n".join(assignments).encode())
