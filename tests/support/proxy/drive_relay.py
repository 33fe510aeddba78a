"""Drive dialects and carriers without a network: what an adapter does with the bytes of a provider."""

import json
import re
from collections.abc import Iterable
from typing import Any

from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.relay.choose import carrier
from coderouter_proxy.relay.text_edits import AnswerPolicy
from coderouter_proxy.request import Call
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.anthropic import client
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.client import ClientWire
from coderouter_proxy.wires.openai import client as openai_wire
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from coderouter_proxy.wires.provider import ProviderWire

Body = dict[str, Any]

WIRES: dict[str, ClientWire] = {"openai": openai_wire, "anthropic": client}
DIALECTS: dict[str, ProviderWire] = {"openai": OpenAIProvider(), "anthropic": AnthropicProvider()}
PROVIDER = Provider(name="p", base_url="http://127.0.0.1:1/v1", model="m", append_system_prompt="Be brief.")
PROFILE = Profile(name="default", providers=["p"])
RULES = AnswerPolicy(reasoning_passthrough=True)
_MADE_UP = re.compile(rb'"created":\d+|call_[0-9a-f]{24}')


def call_of(wire: str, body: Body) -> Call:
    """Return the call that a client of the wire makes with this body.

    Raises:
        HttpError: it is none.
    """
    return WIRES[wire].decode("req_1", json.dumps(body).encode(), {})


def streamed(dialect: ProviderWire, call: Call, pieces: Iterable[bytes]) -> tuple[bytes, Answer]:
    """Return what the client gets for the pieces of a stream, without what differs from run to run.

    Raises:
        ProviderError: the stream is broken.
    """
    answer = Answer()
    carry = carrier(dialect, call, answer, RULES)
    buffer = sse.EventBuffer()
    parts: list[bytes] = []
    for piece in pieces:
        carried, failure = carry.feed(buffer.feed(piece))
        parts.append(carried)
        if failure is not None:
            raise failure
    parts.append(carry.end())
    return _MADE_UP.sub(b"-", b"".join(parts)), answer


def whole(dialect: ProviderWire, call: Call, body: bytes) -> bytes:
    """Return what the client gets for a whole answer.

    Raises:
        ProviderError: it is none.
    """
    answer = Answer()
    decoded = dialect.decoded(body)
    dialect.check_whole(decoded)
    dialect.note(answer, decoded)
    return carrier(dialect, call, answer, RULES).whole(body, decoded)
