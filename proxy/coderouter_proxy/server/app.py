"""The proxy's ASGI app: its parts, and which of them answers which request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coderouter_events.sd_notify import Notify
from coderouter_proxy.errors import HttpError
from coderouter_proxy.eventlog.writer import EventLog
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers import http
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.server import other_routes, request_log
from coderouter_proxy.server.lifecycle import lifecycle
from coderouter_proxy.server.reload import new_routing
from coderouter_proxy.settings.launch import Settings
from coderouter_proxy.wires.clients import CLIENT_WIRES


def create(settings: Settings, notify: Notify) -> ASGIApp:
    """Return the app of one worker process; it reports reloads to `notify`."""
    event_log = EventLog(settings.launch.events_path, _call_soon)
    session = http.new_session()
    runtime = Runtime(
        routing=new_routing(settings, session),
        emit=request_log.logged(event_log.write),
        cooldowns=Cooldowns(event_log.write),
        budgets=Budgets(settings.spend_path),
        ping_s=settings.ping_s,
    )
    hot: dict[str, ASGIApp] = {
        path: Ingress(runtime, wire) for wire in CLIENT_WIRES.values() for path in (wire.path, *wire.aliases)
    }

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with session, lifecycle(settings, runtime, event_log, session, notify):
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

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Requests to models skip the framework.
        post = scope["type"] == "http" and scope["method"] == "POST"
        answers = hot.get(scope["path"]) if post else None
        await (answers or rest)(scope, receive, send)

    return app


def _call_soon(callback: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(callback)
