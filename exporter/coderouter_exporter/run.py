"""Wires the exporter's parts together and runs them until a signal."""

import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from coderouter_events import sd_notify
from coderouter_exporter.engine.loop import Engine, NothingWorks
from coderouter_exporter.engine.pace import QUIET_POLL_S
from coderouter_exporter.engine.wakeup import Watcher
from coderouter_exporter.http.access import AuthMiddleware, HostMiddleware, WebConfigFile, protocol
from coderouter_exporter.http.app import create_app
from coderouter_exporter.http.server import LIMITS, Progress, Server, error_body
from coderouter_exporter.http.tls import ReloadingSSLContext
from coderouter_exporter.http.token import TOKEN_ENV, TokenMiddleware
from coderouter_exporter.http.views import Views
from coderouter_exporter.names import shown
from coderouter_exporter.otlp.target import Target
from coderouter_exporter.rows import tables
from coderouter_exporter.rows.pending import REQUESTS_MAX
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.errors import StateError
from coderouter_exporter.state.opening import Opening
from coderouter_exporter.tail.sources import Sources
from coderouter_http.listen import CannotListen, listen, url_of
from coderouter_http.protocol.bounded import bounded
from coderouter_http.protocol.limits import raise_descriptor_limit
from coderouter_http.protocol.refusals import Refusals

NOTHING_WORKS = 1
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
    rotated_globs: Sequence[str] = (),
    state_reset: bool = False,
    series_max: int = SERIES_MAX,
    requests_max: int = REQUESTS_MAX,
    web_config_file: Path | None = None,
    allowed_hosts: Sequence[str] = (),
    otlp: Target | None = None,
    progress: Progress | None = None,
) -> int:
    """Count the event files and serve the totals until a signal; return the exit code.

    Raises:
        StartupError, StateError, WebConfigErrors: the exporter cannot start.
    """
    raise_descriptor_limit()
    web = WebConfigFile(web_config_file) if web_config_file is not None else None
    ended: list[StateError | NothingWorks] = []

    def end(reason: StateError | NothingWorks) -> None:
        ended.append(reason)
        server.stop()

    progress = progress or Progress()
    open_sources = partial(
        Sources, paths, olddir=olddir, rotated_globs=rotated_globs, state_file=state_file, step=progress
    )
    engine = Engine(
        Opening(state_file, reset=state_reset, series_max=series_max, create_tables=tables.create),
        open_sources,
        on_end=end,
        requests_max=requests_max,
        exports=otlp is not None and otlp.traces_url is not None and requests_max > 0,
        step=progress,
        quiet_poll_s=min(QUIET_POLL_S, (sd_notify.watchdog_s() or math.inf) / 4),
    )
    engine.open()  # a state file that nobody can use ends the process before it listens
    listener = _listen(*address)
    watcher = Watcher(paths, engine.wake, engine.finds_lines)
    refusals = Refusals(error_body)
    app = HostMiddleware(_guarded(create_app(engine, watcher)), address[0], allowed_hosts)
    config = _server_config(app, web, refusals)
    server = Server(config, refusals, engine, progress)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit_cleanly)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup does
        signal.signal(signal.SIGHUP, lambda *_: server.stop())
    url = url_of(listener, "https" if config.ssl else "http")
    log.info("serving %s/metrics, state in %s", url, shown(state_file))
    with _pushing(engine, otlp, listener):
        server.run(sockets=[listener])
    if ended and isinstance(ended[0], StateError):
        raise ended[0]
    if ended:
        log.critical("%s: the exporter ends; its last commit is kept", ended[0])
    return NOTHING_WORKS if ended else 0


@contextmanager
def _pushing(engine: Engine, target: Target | None, listener: socket.socket) -> Iterator[None]:
    if target is None:
        yield
        return
    from coderouter_exporter.otlp.push import Pusher  # noqa: PLC0415 - an extra, which takes time and memory

    if target.traces_url and not engine.exports:
        log.warning("no traces are pushed: with --requests-max 0 no request is kept")
    pusher = Pusher(engine, target, Views(engine).view, listener.getsockname()[1])
    pusher.start()
    try:
        yield
    finally:
        pusher.stop()


def _listen(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except CannotListen as error:
        raise StartupError(error.advising("choose another address with --listen HOST:PORT")) from error


def _guarded(app: ASGIApp) -> ASGIApp:
    token = os.environ.get(TOKEN_ENV, "")
    return TokenMiddleware(app, token) if token else app


def _server_config(app: ASGIApp, web: WebConfigFile | None, refusals: Refusals) -> uvicorn.Config:
    bounds = bounded(LIMITS, refusals)
    config = uvicorn.Config(
        AuthMiddleware(app, web) if web else app,
        loop="uvloop",
        http=protocol(web, bounds) if web else bounds,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=True,  # if --access-log is on
        timeout_graceful_shutdown=OPEN_SCRAPES_S,
    )
    config.load()
    if web and web.current.tls:
        config.ssl = ReloadingSSLContext(web.context)
    return config


def _exit_cleanly(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # uvicorn raises the signal again after its shutdown; by default that would kill the process
