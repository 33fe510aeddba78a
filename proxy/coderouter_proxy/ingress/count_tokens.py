"""How many tokens a request has: the provider's own count if it has one, else an estimate."""

import asyncio

import orjson
from starlette.types import Receive, Scope, Send

from coderouter_proxy import token_estimate
from coderouter_proxy.errors import ClientDisconnected, HttpError, shutting_down
from coderouter_proxy.ingress.body import read_body
from coderouter_proxy.ingress.exchange import JSON, new_request_id
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import choice
from coderouter_proxy.routing.router import Routing, Runtime
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
        status = 200
        try:
            routing = self._runtime.routing
            routing.access.check("POST", headers)
            raw = await read_body(receive, headers, routing.config.server.body_mib_max)
            request = self._wire.decode(request_id, raw, headers)
            body = orjson.dumps({**self._more, "input_tokens": await _count(request, routing)})
        except HttpError as error:
            status = self._wire.status(error)
            body = self._wire.error_body(error, request_id)
        except asyncio.CancelledError:
            status = 503
            body = self._wire.error_body(shutting_down(), request_id)
        except ClientDisconnected:
            return
        name = request_id.encode()
        fields = [(b"content-type", JSON), (b"request-id", name), (b"x-request-id", name)]
        fields.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})


async def _count(request: ClientRequest, routing: Routing) -> int:
    profile = choice.choose(routing, request, Sender.of(request.headers)).profile
    clients = (routing.clients[name] for name in profile.providers if name in routing.clients)
    first = next((each for each in clients if routing.config.allow_paid or not each.provider.paid), None)
    counted = await first.count_tokens(request, profile) if first is not None else None
    return token_estimate.estimate(request.outline) if counted is None else counted
