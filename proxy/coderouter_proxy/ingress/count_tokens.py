"""How many tokens a request has: the provider's own count if it has one, else an estimate."""

import asyncio
from functools import partial

import orjson
from starlette.types import Receive, Scope, Send

from coderouter_proxy import aside, token_estimate
from coderouter_proxy.errors import ClientDisconnected, HttpError, shutting_down
from coderouter_proxy.ingress.body import read_body
from coderouter_proxy.ingress.exchange import JSON, new_request_id
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import choice
from coderouter_proxy.routing.router import Runtime
from coderouter_proxy.senders.sender import Sender
from coderouter_proxy.wires.client import ClientWire


class CountTokens:
    """The ASGI app of one wire; `more` is in the answer beside the number.

    The client never gets a provider's error, because it could not continue without a number.
    """

    def __init__(self, runtime: Runtime, wire: ClientWire, **more: str) -> None:
        self._runtime = runtime
        self._wire = wire
        self._more = more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_request_id()
        headers = dict(scope["headers"])
        bodies = self._runtime.bodies
        body_bytes = 0
        error: HttpError | None = None
        body = b""
        try:
            routing = self._runtime.routing
            routing.access.check("POST", headers)
            raw = await read_body(receive, headers, routing.config.server, bodies)
            body_bytes = len(raw)
            request = await aside.unless_small(
                len(raw),
                aside.REQUEST_BYTES_INLINE_MAX,
                partial(self._wire.decode, request_id, raw, headers),
            )
            body = orjson.dumps({**self._more, "input_tokens": await _count(request, self._runtime)})
        except HttpError as refused:
            error = refused
        except asyncio.CancelledError:
            error = shutting_down()
        except ClientDisconnected:
            return
        finally:
            bodies.release(body_bytes)
        if error is not None:
            body = self._wire.error_body(error, request_id)
        name = request_id.encode()
        fields = [(b"content-type", JSON), (b"request-id", name), (b"x-request-id", name)]
        fields.append((b"content-length", b"%d" % len(body)))
        if error is not None and error.retry_after is not None:
            fields.append((b"retry-after", error.retry_after.encode()))
        status = 200 if error is None else self._wire.status(error)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


async def _count(request: ClientRequest, runtime: Runtime) -> int:
    routing = runtime.routing
    profile = choice.choose(routing, request, Sender.of(request.headers)).profile
    clients = (routing.clients[name] for name in profile.names if name in routing.clients)
    first = next((each for each in clients if routing.config.allow_paid or not each.provider.paid), None)
    counted = await first.count_tokens(request, profile) if first is not None else None
    if counted is not None:
        return counted
    estimate = partial(token_estimate.estimate, request.outline)
    estimated = await aside.unless_small(len(request.raw), aside.REQUEST_BYTES_INLINE_MAX, estimate)
    return runtime.contexts.corrected(first.provider, estimated) if first is not None else estimated
