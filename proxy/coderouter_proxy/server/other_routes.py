"""Routes other than model requests: models, kept responses, counts of tokens, health, and error responses."""

import time
from collections.abc import Callable, Mapping

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from coderouter_http import product
from coderouter_proxy.errors import HttpError
from coderouter_proxy.ingress.count_tokens import CountTokens
from coderouter_proxy.ingress.exchange import INTERNAL_ERROR, new_request_id
from coderouter_proxy.routing.access import Access
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.server import exporter_pages, landing
from coderouter_proxy.server.unsupported import CODE, UNSUPPORTED, foreign_error
from coderouter_proxy.wires.client import ClientWire
from coderouter_proxy.wires.clients import CLIENT_WIRES, RESPONSES, wire_of
from coderouter_proxy.wires.responses import kept_responses
from coderouter_proxy.wires.responses.memory import Memory

Answer = Callable[[Request], bytes]

NO_MODEL = "The model '{}' does not exist; GET /v1/models lists those that do. Requests may name any model."
NAME_CHARS_MAX = 100
RESPONSE = "/v1/responses/{response_id}"


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of everything that is not a model request."""
    started = int(time.time())

    def models(request: Request) -> bytes:
        wire = _wire(request)
        for_claude_code = wire.ingress == "anthropic"  # which reads this list for its model picker
        return wire.models(runtime.routing.models.names(aliases=for_claude_code), started)

    def model(request: Request) -> bytes:
        name = request.path_params["name"]
        if runtime.routing.models.named(name) is None:
            raise HttpError(
                404, NO_MODEL.format(name[:NAME_CHARS_MAX]), code="model_not_found", param="model"
            )
        return _wire(request).model(name, started)

    def of_response(answer: Callable[[Memory, str], bytes]) -> Answer:
        return lambda request: answer(RESPONSES.memory, request.path_params["response_id"])

    def page_of_response(answer: Callable[[Memory, str, Mapping[str, str]], bytes]) -> Answer:
        return lambda request: answer(
            RESPONSES.memory, request.path_params["response_id"], request.query_params
        )

    def healthz(request: Request) -> bytes:
        config = runtime.routing.config
        health = {
            "status": "ok",
            "version": product.version(),
            "providers": [provider.name for provider in config.providers],
            "allow_paid": config.allow_paid,
        }
        return orjson.dumps(health)

    def checked(answer: Answer) -> Answer:
        """Return the answer for those who may use the proxy; none of these requests has a body that is read."""

        def answer_if_allowed(request: Request) -> bytes:
            runtime.routing.access.check("GET", dict(request.scope["headers"]))
            return answer(request)

        return answer_if_allowed

    count = CountTokens(runtime, CLIENT_WIRES["anthropic"])
    count_of_responses = CountTokens(runtime, RESPONSES, object="response.input_tokens")
    return [
        Route("/", landing.index),
        _route("/healthz", healthz),
        *exporter_pages.routes(runtime),
        Route("/v1/messages/count_tokens", count, methods=["POST"]),
        Route("/v1/responses/input_tokens", count_of_responses, methods=["POST"]),
        *(
            _route(path, checked(_unsupported(row.instead)), *row.methods)
            for row in UNSUPPORTED
            for path in row.paths
        ),
        _route("/v1/models", checked(models)),
        _route("/v1/models/{name:path}", checked(model)),
        _route(RESPONSE, checked(page_of_response(kept_responses.whole))),
        _route(RESPONSE, checked(of_response(kept_responses.deleted)), "DELETE"),
        _route(f"{RESPONSE}/cancel", checked(of_response(kept_responses.cancelled)), "POST"),
        _route(f"{RESPONSE}/input_items", checked(page_of_response(kept_responses.input_items))),
    ]


def _route(path: str, answer: Answer, *methods: str) -> Route:
    async def endpoint(request: Request) -> Response:
        return _json(answer(request))

    return Route(path, endpoint, methods=methods or ("GET",))


def _unsupported(instead: str) -> Answer:
    def refuse(request: Request) -> bytes:
        raise HttpError(404, f"{request.method} {request.url.path} is not supported. {instead}", code=CODE)

    return refuse


def refused_by_host(scope: Scope, access: Access) -> Response | None:
    """Return the refusal of a request that calls this machine by a name that it may not have."""
    try:
        access.check_host(dict(scope["headers"]))
    except HttpError as error:
        return _error_response(Request(scope), error)
    return None


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
    if (write := foreign_error(request.url.path)) is not None:
        response = _json(write(error), error.status)
    else:
        response = _json(wire.error_body(error, request_id), wire.status(error))
    response.headers.update({"request-id": request_id, "x-request-id": request_id})
    return response


def _wire(request: Request) -> ClientWire:
    """Return the wire that the client seems to speak."""
    return wire_of(request.url.path, dict(request.scope["headers"]))


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")
