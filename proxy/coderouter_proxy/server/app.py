"""The proxy's ASGI app: its parts, and which of them answers which request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coderouter_events.sd_notify import Notify
from coderouter_http.protocol.refusals import Refusals
from coderouter_proxy.body_memory import BodyMemory
from coderouter_proxy.errors import HttpError
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.senders import session_hash
from coderouter_proxy.server import other_routes, request_log
from coderouter_proxy.server.lifecycle import lifecycle
from coderouter_proxy.server.reload import new_routing
from coderouter_proxy.settings.launch import Settings
from coderouter_proxy.wires.clients import CLIENT_WIRES, PASSED_ON


def create(settings: Settings, notify: Notify, refusals: Refusals) -> ASGIApp:
    """Return the app of one worker process; it reports reloads to `notify`, and its heartbeats report `refusals`."""
    event_log = EventLog(settings.launch.events_path, _call_soon, settings.state_folder)
    transport = Transport()
    runtime = Runtime(
        routing=new_routing(settings, transport),
        emit=request_log.logged(event_log.write),
        cooldowns=Cooldowns(event_log.write),
        budgets=Budgets(settings.spend_path),
        ping_s=settings.ping_s,
        contexts=Contexts(settings.contexts_path),
        bodies=BodyMemory(refusals, workers=settings.launch.workers),
        session_key=session_hash.key_in(settings.state_folder) if settings.launch.events_path else b"",
    )
    served = [
        (path, wire, Ingress(runtime, wire))
        for wire in CLIENT_WIRES.values()
        for path in (wire.path, *wire.aliases)
    ]
    hot: dict[str, ASGIApp] = {path: app for path, wire, app in served if wire.ingress not in PASSED_ON}
    passed_on = {path: (wire, app) for path, wire, app in served if wire.ingress in PASSED_ON}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with transport, lifecycle(settings, runtime, event_log, transport, notify, refusals):
            yield

    rest = Starlette(
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in hot.items()),
            *other_routes.routes(runtime),
        ],
        exception_handlers={
            HTTPException: other_routes.http_error,
            HttpError: other_routes.refused,
            Exception: other_routes.bug,
        },
        lifespan=lifespan,
    )
    rest.router.redirect_slashes = False

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await rest(scope, receive, send)
            return
        if scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"
        # Requests to models skip the framework.
        answers = hot.get(scope["path"]) if scope["method"] == "POST" else None
        if answers is None and scope["method"] == "POST" and scope["path"] in passed_on:
            wire, passing = passed_on[scope["path"]]
            answers = passing if runtime.routing.passing[wire.ingress] else None
        if answers is None:
            refused = other_routes.refused_by_host(scope, runtime.routing.access)
            answers = refused or rest
        await answers(scope, receive, send)

    return app


def _call_soon(callback: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(callback)
