"""Wires the exporter's parts together and runs them until a signal."""

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
from starlette.types import ASGIApp

from coderouter_exporter.engine.loop import Engine
from coderouter_exporter.engine.wakeup import Watcher
from coderouter_exporter.http.access import AuthMiddleware, HostMiddleware, WebConfigFile, protocol
from coderouter_exporter.http.app import create_app
from coderouter_exporter.http.server import Progress, Server
from coderouter_exporter.http.tls import ReloadingSSLContext
from coderouter_exporter.state.state import SERIES_MAX, State
from coderouter_exporter.state.store import StateError, Store, set_aside
from coderouter_exporter.tail.sources import Sources
from coderouter_http.listen import CannotListen, listen, url_of

CRASHED = 1
OPEN_SCRAPES_S = 3

log = logging.getLogger(__name__)


class StartupError(Exception):
    """The exporter cannot start; the message says why and what to do."""


def serve(
    paths: Sequence[Path],
    state_file: Path,
    address: tuple[str, int],
    *,
    olddir: Path | None = None,
    state_reset: bool = False,
    series_max: int = SERIES_MAX,
    web_config_file: Path | None = None,
    allowed_hosts: Sequence[str] = (),
    progress: Progress | None = None,
) -> int:
    """Count the event files and serve the totals until a signal; return the exit code.

    Raises:
        StartupError, StateError, WebConfigErrors: the exporter cannot start.
    """
    web = WebConfigFile(web_config_file) if web_config_file is not None else None
    if state_reset and (old := set_aside(state_file)) is not None:
        log.warning("all totals restart at 0; the previous state is in %s", old)
    store = Store(state_file)
    state = _load(store)
    state.series_max = series_max
    listener = _listen(*address)
    crashed = threading.Event()

    def crash() -> None:
        crashed.set()
        server.stop()

    progress = progress or Progress()
    sources = Sources(paths, state.checkpoints, olddir=olddir, step=progress)
    engine = Engine(sources, store, state, on_crash=crash, step=progress)
    watcher = Watcher(paths, engine.wake)
    app = HostMiddleware(create_app(engine, watcher), address[0], allowed_hosts)
    config = _server_config(app, web)
    server = Server(config, engine, progress)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit_cleanly)
    url = url_of(listener, "https" if config.ssl else "http")
    log.info("serving %s/metrics, state in %s", url, state_file)
    server.run(sockets=[listener])
    return CRASHED if crashed.is_set() else 0


def _load(store: Store) -> State:
    document = store.load()
    if document is None:
        return State(created_ts=time.time())
    if store.recovered:
        log.warning("the newest generation of %s is damaged; continuing from the previous one", store.path)
    try:
        return State.decode(document)
    except msgspec.DecodeError as error:
        raise StateError(f"cannot read the state file {store.path} ({error})") from error


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except CannotListen as error:
        raise StartupError(f"{error}; choose another address with --listen HOST:PORT") from error


def _server_config(app: ASGIApp, web: WebConfigFile | None) -> uvicorn.Config:
    config = uvicorn.Config(
        AuthMiddleware(app, web) if web else app,
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
        config.ssl = ReloadingSSLContext(web.context)
    return config


def _exit_cleanly(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # uvicorn raises the signal again after its shutdown; by default that would kill the process
