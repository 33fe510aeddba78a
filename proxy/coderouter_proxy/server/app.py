"""The proxy's ASGI app: what answers where, and what starts, is read anew and stops with the process."""

import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coderouter_events import events, sd_notify
from coderouter_events.lock import LivenessLock
from coderouter_events.sd_notify import Notify
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.errors import HttpError
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_proxy.ingress.count_tokens import CountTokens
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers import http
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import UnknownMode
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.server import other_routes
from coderouter_proxy.server.parent_death import end_with_parent
from coderouter_proxy.settings import settings
from coderouter_proxy.settings.settings import Settings
from coderouter_proxy.wires.anthropic import client
from coderouter_proxy.wires.openai import client as openai_wire

HEARTBEAT_S = 15
BACKLOG_S = 0.1
FAULTS_NOTED_MAX = 10
KEPT = "the configuration has faults; the one before stays in use"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

log = logging.getLogger(__name__)


def create(given: Settings, notify: Notify) -> ASGIApp:
    """Return the app of one worker process; a reload is told to `notify`."""
    event_log = EventLog(given.start.events_path, _call_soon)
    session = http.new_session()
    runtime = Runtime(
        routing=_routing(given, session),
        note=event_log.write,
        cooldowns=Cooldowns(event_log.write),
        budgets=Budgets(given.spend_path),
        ping_s=given.ping_s,
    )
    hot: dict[str, ASGIApp] = {
        "/v1/chat/completions": Ingress(runtime, openai_wire),
        "/v1/messages": Ingress(runtime, client),
    }
    counting = Route("/v1/messages/count_tokens", CountTokens(runtime), methods=["POST"])

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with session, _living(given, runtime, event_log, session, notify):
            yield

    rest = Starlette(
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in hot.items()),
            counting,
            *other_routes.routes(runtime),
        ],
        exception_handlers={
            HTTPException: other_routes.http_error,
            HttpError: other_routes.refused,
            Exception: other_routes.bug,
        },
        lifespan=lifespan,
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answers = hot.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        await (answers or rest)(scope, receive, send)

    return app


@asynccontextmanager
async def _living(
    given: Settings, runtime: Runtime, event_log: EventLog, session: aiohttp.ClientSession, notify: Notify
) -> AsyncIterator[None]:
    """Note the start, the life and the end of the process, and read the configuration anew at SIGHUP."""
    if multiprocessing.parent_process() is not None:
        end_with_parent()
    ended_by = _remembered_signals()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, _reload, given, runtime, session, notify)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # those that came while the process started
    # What a request makes dies by reference count; looking for cycles after each 700 objects of it costs a
    # tenth of the request.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    runtime.budgets.start()
    event_log.write(events.Startup(**_described(given)))
    lock = LivenessLock(given.start.events_path)
    tasks = [
        asyncio.create_task(_beat(runtime, event_log, lock)),
        asyncio.create_task(_clear_backlog(event_log)),
    ]
    yield
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await asyncio.to_thread(runtime.budgets.close)
    event_log.write(events.Shutdown(reason=ended_by[0] if ended_by else "stopped"))
    event_log.close()
    lock.release()


def _routing(given: Settings, session: aiohttp.ClientSession) -> Routing:
    return Routing.of(given.config, given.default, given.start.host, given.rules, session)


def _reload(given: Settings, runtime: Runtime, session: aiohttp.ClientSession, notify: Notify) -> None:
    """Go on with the configuration as its file is now; running requests keep the one they began with."""
    notify(*sd_notify.reloading())
    try:
        read = settings.read(given.start)
    except (ConfigErrors, UnknownMode) as error:
        faults = str(error).splitlines()
        log.error("%s:\n%s", KEPT, "\n".join(faults))
        runtime.note(events.ConfigReloadFailed(faults=faults[:FAULTS_NOTED_MAX]))
        notify(sd_notify.READY, sd_notify.status(KEPT))
        return
    runtime.routing = _routing(read, session)
    if read.spend_path != runtime.budgets.path:
        runtime.budgets = Budgets(read.spend_path)
        runtime.budgets.start()
    told = f"read {given.start.config_path or 'the built-in configuration'} anew"
    log.info("%s", told)
    runtime.note(events.ConfigReloaded(**_described(read)))
    notify(sd_notify.READY, sd_notify.status(told))


def _described(given: Settings) -> dict[str, Any]:
    """Return the fields in which a startup and a reload tell the configuration."""
    config = given.config
    return {
        "version": version("coderouter"),
        "providers": [provider.name for provider in config.providers],
        "profiles": [profile.name for profile in config.profiles],
        "default_profile": given.default.profile,
        "allow_paid": config.allow_paid,
        "mode_source": given.default.source,
        "display_timezone": config.display_timezone,
        "catalog": [_catalog_entry(provider) for provider in config.providers],
        "chains": {profile.name: profile.providers for profile in config.profiles},
    }


def _catalog_entry(provider: Provider) -> events.CatalogEntry:
    return {
        "name": provider.name,
        "kind": provider.kind,
        "model": provider.model,
        "paid": provider.paid,
        "base_url": provider.public_url(),
        "monthly_budget_usd": provider.cost.monthly_budget_usd if provider.cost else None,
    }


def _remembered_signals() -> list[str]:
    """Return a list that will hold the name of each signal that ends the server, which handles it as before."""
    names: list[str] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        handle = signal.getsignal(signum)

        def remember(number: int, frame: FrameType | None, handle: object = handle) -> None:
            names.append(signal.Signals(number).name)
            if callable(handle):
                handle(number, frame)

        signal.signal(signum, remember)
    return names


async def _beat(runtime: Runtime, event_log: EventLog, lock: LivenessLock) -> None:
    while True:
        lock.hold()
        event_log.write(
            events.Heartbeat(
                in_flight=runtime.in_flight, rss_bytes=_rss_bytes(), events_dropped=event_log.dropped
            )
        )
        await asyncio.sleep(HEARTBEAT_S)


async def _clear_backlog(event_log: EventLog) -> None:
    """Write what waited while the file could not be written, also when no request comes to do it."""
    while True:
        await asyncio.sleep(BACKLOG_S if event_log.backlog else HEARTBEAT_S)
        event_log.retry()


def _rss_bytes() -> int:
    pages_used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages_used * os.sysconf("SC_PAGE_SIZE")


def _call_soon(callback: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(callback)
