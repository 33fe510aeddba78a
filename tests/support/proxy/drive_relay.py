"""Drive relays without a network: what a provider's client does with the bytes of an answer."""

import json
import re
from collections.abc import Iterable
from typing import Any

from coderouter_proxy.answer import AnswerLog
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import ProviderWire

Body = dict[str, Any]

PROVIDER_WIRES: dict[str, ProviderWire] = {"openai": OpenAIProvider(), "anthropic": AnthropicProvider()}
PROVIDER = Provider(name="p", base_url="http://127.0.0.1:1/v1", model="m", append_system_prompt="Be brief.")
PROFILE = Profile(name="default", providers=["p"])
POLICY = AnswerPolicy(reasoning_passthrough=True)
_MADE_UP = re.compile(rb'"created":\d+|call_[0-9a-f]{24}')


def request_of(ingress: str, body: Body) -> ClientRequest:
    """Return the request that a client of the wire makes with this body.

    Raises:
        HttpError: it is none.
    """
    return request_from_bytes(ingress, json.dumps(body).encode())


def request_from_bytes(ingress: str, raw: bytes) -> ClientRequest:
    """Return the request that a client of the wire makes with these bytes as its body.

    Raises:
        HttpError: it is none.
    """
    wire = next(wire for wire in CLIENT_WIRES.values() if wire.ingress == ingress)
    return wire.decode("req_1", raw, {})


def streamed(wire: ProviderWire, request: ClientRequest, pieces: Iterable[bytes]) -> tuple[bytes, AnswerLog]:
    """Return what the client gets for the pieces of a stream, without what differs from run to run.

    Raises:
        ProviderError: the stream is broken.
    """
    relay = choose(wire, request, POLICY)
    raw = fed(relay, pieces)
    return _MADE_UP.sub(b"-", raw), relay.log()


def fed(relay: Relay, pieces: Iterable[bytes]) -> bytes:
    """Return what the client gets from a relay for the pieces of a stream.

    Raises:
        ProviderError: the stream is broken.
    """
    buffer = sse.EventBuffer()
    parts: list[bytes] = []
    for piece in pieces:
        relayed, error = relay.feed(buffer.feed(piece))
        parts.append(relayed)
        if error is not None:
            raise error
    return b"".join([*parts, relay.end()])


def whole(wire: ProviderWire, request: ClientRequest, body: bytes) -> bytes:
    """Return what the client gets for a whole answer.

    Raises:
        ProviderError: it is none.
    """
    decoded = wire.decoded(body)
    wire.validate(decoded)
    return choose(wire, request, POLICY).whole(body, decoded)
