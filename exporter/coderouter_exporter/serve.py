"""Starts the exporter's parts in order and ends them in order."""

import errno
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn

from coderouter_exporter import state as states
from coderouter_exporter.app import create_app
from coderouter_exporter.follow import Follower
from coderouter_exporter.server import Progress, Server
from coderouter_exporter.sources import Sources
from coderouter_exporter.state import SERIES_MAX, State
from coderouter_exporter.store import StateError, Store, set_aside
from coderouter_exporter.tls import NewestContext
from coderouter_exporter.watch import Watcher
from coderouter_exporter.web import Guarded, Web, protocol

CRASHED = 1
OPEN_SCRAPES_S = 3

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
    web_config_file: Path | None = None,
    progress: Progress | None = None,
) -> int:
    """Follow the event files and answer scrapes until a signal; return the exit code.

    Raises:
        StartupError, StateError, WebConfigFaults: it cannot start.
    """
    web = Web(web_config_file) if web_config_file is not None else None
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

    progress = progress or Progress()
    sources = Sources(paths, state.positions, olddir=olddir, step=progress)
    follower = Follower(sources, store, state, on_crash=crash, step=progress)
    watcher = Watcher(paths, follower.hint)
    app = create_app(follower, watcher)
    config = uvicorn.Config(
        Guarded(app, web) if web else app,
        loop="uvloop",
        http=protocol(web) if web else "httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=OPEN_SCRAPES_S,
    )
    config.load()
    if web and web.current.tls:
        config.ssl = NewestContext(web.context)
    server = Server(config, follower, progress)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit_in_good_order)
    log.info("serving %s/metrics, state in %s", _url(listener, "https" if config.ssl else "http"), state_file)
    server.run(sockets=[listener])
    return CRASHED if crashed.is_set() else 0


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


def _url(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _exit_in_good_order(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # uvicorn raises the signal once more when it has shut down, which would end us as killed
