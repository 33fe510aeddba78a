"""Starts the exporter's parts in order and ends them in order."""

import asyncio
import errno
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn

from coderouter_exporter import state as states
from coderouter_exporter.app import create_app
from coderouter_exporter.follow import Follower
from coderouter_exporter.sources import Sources
from coderouter_exporter.state import SERIES_MAX, State
from coderouter_exporter.store import StateError, Store, set_aside
from coderouter_exporter.watch import Watcher

CRASHED = 1
OPEN_SCRAPES_S = 3
TICK_S = 1.0

log = logging.getLogger(__name__)


class StartupError(Exception):
    """The exporter cannot start; the message says why and what to do."""


def serve(
    paths: Sequence[Path],
    state_file: Path,
    listen: tuple[str, int],
    *,
    olddir: Path | None = None,
    state_reset: bool = False,
    series_max: int = SERIES_MAX,
) -> int:
    """Follow the event files and answer scrapes until a signal; return the exit code.

    Raises:
        StartupError, StateError: it cannot start.
    """
    if state_reset and (old := set_aside(state_file)) is not None:
        log.warning("all totals begin at 0; the state of before is in %s", old)
    store = Store(state_file)
    state = _load(store)
    state.series_max = series_max
    listener = _bind(*listen)
    crashed = threading.Event()

    def crash() -> None:
        crashed.set()
        server.end()

    sources = Sources(paths, state.positions, olddir=olddir)
    follower = Follower(sources, store, state, on_crash=crash)
    watcher = Watcher(paths, follower.hint)
    config = uvicorn.Config(
        create_app(follower, watcher),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=OPEN_SCRAPES_S,
    )
    server = _Server(config)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit_in_good_order)
    host, port = listener.getsockname()[:2]
    log.info(
        "serving http://%s:%s/metrics, state in %s", f"[{host}]" if ":" in host else host, port, state_file
    )
    server.run(sockets=[listener])
    return CRASHED if crashed.is_set() else 0


class _Server(uvicorn.Server):
    """A server that is woken by the end instead of asking for it ten times a second, which costs an idle CPU."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self.end()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # 0: the tick that also sets the date header
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), TICK_S)


def _load(store: Store) -> State:
    document = store.load()
    if document is None:
        return State(created_ts=time.time())
    if store.recovered:
        log.warning("the newest generation of %s is damaged; going on from the one before", store.path)
    try:
        return states.decode(document)
    except msgspec.DecodeError as error:
        raise StateError(f"cannot read the state file {store.path} ({error})") from error


def _bind(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} on {host} is in use"
        else:
            reason = f"cannot listen on {host}:{port} ({error.strerror})"
        raise StartupError(f"{reason}; choose another address with --listen HOST:PORT") from error


def _exit_in_good_order(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # uvicorn raises the signal once more when it has shut down, which would end us as killed
