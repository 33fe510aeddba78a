"""Run requests through the proxy's app within the test, for what only a stubbed clock or a kind made up can show."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message

from coderouter_events.events import Event
from coderouter_proxy.config import load
from coderouter_proxy.ingress.exchange import Ingress
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.routing.cooldown import Cooldowns
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing, Runtime
from coderouter_proxy.wires.clients import CLIENT_WIRES

BODY = json.dumps({"model": "any", "messages": [{"role": "user", "content": "hello there"}]}).encode()
HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]


@dataclass
class Answered:
    status: int = 0
    body: bytes = b""
    events: list[Event] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)
    """How many requests were in flight at each event."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer(providers_yaml: str, receive_body: Callable[[], Awaitable[bytes]] | None = None) -> Answered:
    """Return what a Chat Completions client gets, and what was emitted; `receive_body` returns the body it uploads."""
    answered = Answered()

    runtime: Runtime

    async def receive() -> Message:
        body = BODY if receive_body is None else await receive_body()
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        answered.status = message.get("status", answered.status)
        answered.body += message.get("body", b"")

    def emit(event: Event) -> None:
        answered.events.append(event)
        answered.in_flight.append(runtime.in_flight)

    async def run() -> None:
        nonlocal runtime
        config = load.parse(providers_yaml, "providers.yaml")
        async with Transport() as transport:
            routing = Routing.of(
                config, DefaultProfile(config.default_profile, "config"), "127.0.0.1", [], transport
            )
            runtime = Runtime(
                routing=routing,
                emit=emit,
                cooldowns=Cooldowns(emit),
                budgets=Budgets(None),
                ping_s=15,
            )
            await Ingress(runtime, CLIENT_WIRES["openai"])({"headers": HEADERS}, receive, send)

    asyncio.run(run())
    return answered
