"""Routes other than model requests: the model list, health, and error responses."""

import time
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


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of the model list, health and index."""
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
    message = f"{request.method} {request.url.path}: {error.detail.lower()}"
    response = _error_response(request, HttpError(error.status_code, message))
    response.headers.update(error.headers or {})
    return response


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return _error_response(request, error)


async def bug(request: Request, error: Exception) -> Response:
    return _error_response(request, HttpError(500, INTERNAL_ERROR))


def _error_response(request: Request, error: HttpError) -> Response:
    """Return the error in the format of the wire that the client seems to use."""
    request_id = new_request_id()
    wire = _wire(request)
    response = _json(wire.error_body(error, request_id), wire.status(error))
    response.headers.update({"request-id": request_id, "x-request-id": request_id})
    return response


def _wire(request: Request) -> ClientWire:
    """Return the wire that the client seems to speak."""
    return wire_of(request.url.path, dict(request.scope["headers"]))


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
