"""What the proxy answers besides model requests: lists, health, and errors for whatever it does not know."""

import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from coderouter_proxy.errors import HttpError
from coderouter_proxy.ingress.exchange import INTERNAL_ERROR, new_request_id
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.wires.client import ClientWire
from coderouter_proxy.wires.clients import wire_of

Page = Callable[[Request], Awaitable[Response]]


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of all pages."""
    started = int(time.time())

    async def models(request: Request) -> Response:
        runtime.routing.access.check("GET", dict(request.scope["headers"]))
        config = runtime.routing.config
        named = [*(profile.name for profile in config.profiles), *(p.name for p in config.providers)]
        names = list(dict.fromkeys(named))
        return _json(_wire(request).models(names, started))

    async def healthz(request: Request) -> Response:
        config = runtime.routing.config
        health = {
            "status": "ok",
            "version": version("coderouter"),
            "providers": [provider.name for provider in config.providers],
            "allow_paid": config.allow_paid,
        }
        return _json(orjson.dumps(health))

    async def index(request: Request) -> Response:
        return _json(orjson.dumps({"name": "coderouter", "version": version("coderouter")}))

    return [Route("/v1/models", models), Route("/healthz", healthz), Route("/", index)]


async def http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    what = f"{request.method} {request.url.path}: {error.detail.lower()}"
    response = _refusal(request, HttpError(error.status_code, what))
    response.headers.update(error.headers or {})
    return response


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return _refusal(request, error)


async def bug(request: Request, error: Exception) -> Response:
    return _refusal(request, HttpError(500, INTERNAL_ERROR))


def _refusal(request: Request, refusal: HttpError) -> Response:
    """Return the error in the shape of the wire that the client seems to speak."""
    request_id = new_request_id()
    wire = _wire(request)
    response = _json(wire.error_body(refusal, request_id), wire.status(refusal))
    response.headers.update({"request-id": request_id, "x-request-id": request_id})
    return response


def _wire(request: Request) -> ClientWire:
    """Return the wire that the client seems to speak."""
    return wire_of(request.url.path, dict(request.scope["headers"]))


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
