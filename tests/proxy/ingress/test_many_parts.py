"""A request in many pieces does not keep the event loop: it is worked on in a thread, or refused."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Message

from coderouter_events.events import ProviderAdapted
from coderouter_proxy.config import load
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.wires.client import OBJECTS_MAX
from coderouter_proxy.wires.clients import CLIENT_WIRES
from support.held_loop import held_loop
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import Provider

HELD_S_MAX = 0.1
"""Twice what is aimed at: caches and the garbage collector cost CPU time as well."""
HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
KINDS = {"openai": "openai_compat", "anthropic": "anthropic", "responses": "openai_responses"}
Makes = Callable[[str, int], dict[str, Any]]


def parts(client: str, number: int) -> dict[str, Any]:
    kind = "input_text" if client == "responses" else "text"
    content = [{"type": kind, "text": "a"}] * number
    return {"input" if client == "responses" else "messages": [{"role": "user", "content": content}]}


def messages(client: str, number: int) -> dict[str, Any]:
    roles = ("user", "assistant")
    turns = [{"role": roles[turn % 2], "content": "a"} for turn in range(number)]
    return {"input" if client == "responses" else "messages": turns}


def providers_yaml(address: str) -> str:
    listed = "".join(
        f"  - {{name: {name}, kind: {kind}, model: m, base_url: '{address}'}}\n"
        for name, kind in KINDS.items()
    )
    chains = "".join(f"  - {{name: {name}, providers: [{name}]}}\n" for name in KINDS)
    return f"default_profile: openai\nproviders:\n{listed}profiles:\n{chains}"


async def status_of(client: str, body: bytes, address: str) -> int:
    """Send the request through the app in this loop, and return the status of the answer."""
    statuses: list[int] = []
    bodies = iter([body])

    async def receive() -> Message:
        if (given := next(bodies, None)) is not None:
            return {"type": "http.request", "body": given}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if "status" in message:
            statuses.append(message["status"])

    def emit(event: object) -> None:
        assert not isinstance(event, ProviderAdapted)

    async with Transport() as transport:
        config = load.parse(providers_yaml(address), "f")
        routing = Routing.of(config, DefaultProfile("openai", "config"), "127.0.0.1", [], transport)
        runtime = Runtime(
            routing=routing, emit=emit, cooldowns=Cooldowns(emit), budgets=Budgets(None), ping_s=15
        )
        await Ingress(runtime, CLIENT_WIRES[client])({"headers": HEADERS}, receive, send)  # type: ignore[index]
    return statuses[0]


@pytest.mark.long
@pytest.mark.parametrize("make", [parts, messages])
@pytest.mark.parametrize("provider", KINDS)
@pytest.mark.parametrize("client", KINDS)
def test_the_loop_is_free_while_a_large_request_is_read_and_written(
    make: Makes, provider: str, client: str, a: Provider
) -> None:
    a.plays(always=says.error("no", 400))
    body = {"model": "m", "max_tokens": 5, "profile": provider, **make(client, 8_000)}
    with held_loop(HELD_S_MAX) as held:
        assert asyncio.run(status_of(client, json.dumps(body).encode(), a.base_url)) == 400
    assert not held.too_long
    assert len(a.requests) == 1


@pytest.mark.parametrize("make", [parts, messages])
@pytest.mark.parametrize("client", KINDS)
def test_a_request_of_too_many_objects_is_refused(make: Makes, client: str, a: Provider) -> None:
    a.plays()
    body = json.dumps({"model": "m", **make(client, OBJECTS_MAX)}).encode()
    with held_loop(HELD_S_MAX) as held:
        assert asyncio.run(status_of(client, body, a.base_url)) == 400
    assert not held.too_long
    assert a.requests == []


def test_braces_in_a_text_are_no_objects(served: Proxy, a: Provider) -> None:
    a.plays(says.answer())
    code = '{"a"}' * (OBJECTS_MAX + 1)
    assert served.chat(messages=[{"role": "user", "content": code}]).rest().status == 200


def test_the_refusal_says_what_to_send(served: Proxy) -> None:
    refused = served.post(b'{"messages": [' + b'{"a":1},' * OBJECTS_MAX + b'{"a":1}]}').rest()
    assert (refused.status, refused.json["error"]["message"]) == (
        400,
        "the body has more than 50,000 JSON objects; send fewer messages and parts",
    )
