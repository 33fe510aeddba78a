"""Answer `POST /v1/messages/count_tokens`: the provider's own count where it has one, else a guess."""

import asyncio

import aiohttp
import orjson
from starlette.types import Receive, Scope, Send
from yarl import URL

from coderouter_proxy import token_estimate
from coderouter_proxy.config.schema import AUTO_PROFILE, Profile
from coderouter_proxy.errors import ClientDisconnected, HttpError, ProviderError, shutting_down
from coderouter_proxy.ingress.body import read_body
from coderouter_proxy.ingress.exchange import JSON, new_request_id
from coderouter_proxy.providers import http
from coderouter_proxy.providers.http_provider import HttpProvider
from coderouter_proxy.request import Call
from coderouter_proxy.routing import profiles
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.wires.anthropic import client

TIMEOUT_S = 10  # a count that takes longer is worth less than a guess
NOT_COUNTED = (
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
)


class CountTokens:
    """The ASGI app; an error of a provider never reaches the client, who could not go on without a number."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = new_request_id()
        headers = dict(scope["headers"])
        status = 200
        try:
            routing = self._runtime.routing
            routing.access.check("POST", headers)
            raw = await read_body(receive, headers, routing.config.server.body_mib_max)
            call = client.decode(request_id, raw, headers)
            body = orjson.dumps({"input_tokens": await _count(call, routing)})
        except HttpError as refusal:
            status = client.status(refusal)
            body = client.error_body(refusal, request_id)
        except asyncio.CancelledError:
            status = 503
            body = client.error_body(shutting_down(), request_id)
        except ClientDisconnected:
            return
        named = request_id.encode()
        told = [(b"content-type", JSON), (b"request-id", named), (b"x-request-id", named)]
        told.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": body})


async def _count(call: Call, routing: Routing) -> int:
    name = profiles.choose(routing.config, routing.default, call.body, call.headers)
    if name == AUTO_PROFILE:
        name = routing.auto_router.resolve(call.body).profile
    profile = profiles.existing(routing.config, name)
    asked = (routing.upstreams[name] for name in profile.providers if name in routing.upstreams)
    first = next((up for up in asked if routing.config.allow_paid or not up.provider.paid), None)
    if isinstance(first, HttpProvider) and first.dialect.ingress == "anthropic":
        counted = await _asked(first, call, profile)
        if counted is not None:
            return counted
    return token_estimate.estimate(call.body)


def _unnoted(name: str) -> None:
    """A count is no answer: nothing is lost for the client by what it leaves out."""


async def _asked(adapter: HttpProvider, call: Call, profile: Profile) -> int | None:
    """Return the provider's count, or None where it has none to give."""
    body = adapter.dialect.request(call, adapter.provider, profile, _unnoted)
    for name in NOT_COUNTED:
        body.pop(name, None)
    url = URL(adapter.dialect.url(adapter.provider) + "/count_tokens")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=adapter.provider.connect_timeout_s)
    try:
        async with await adapter.post(call, url, body, timeout) as response:
            answer = orjson.loads(await http.read_all(response, http.ERROR_BODY_BYTES_MAX))
    except (ProviderError, TimeoutError, orjson.JSONDecodeError):
        return None
    counted = answer.get("input_tokens") if isinstance(answer, dict) else None
    return counted if isinstance(counted, int) else None
