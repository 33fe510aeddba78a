"""The registry of client wires: one row each."""

from collections.abc import Mapping

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.wires.anthropic.client import AnthropicClient
from coderouter_proxy.wires.client import ClientWire, Headers
from coderouter_proxy.wires.openai.client import OpenAIClient
from coderouter_proxy.wires.passed_on.client import EmbeddingsClient, RerankClient
from coderouter_proxy.wires.responses.client import ResponsesClient

RESPONSES = ResponsesClient()
CLIENT_WIRES: Mapping[Ingress, ClientWire] = {
    wire.ingress: wire
    for wire in (AnthropicClient(), OpenAIClient(), RESPONSES, EmbeddingsClient(), RerankClient())
}
PASSED_ON: tuple[Ingress, ...] = ("embeddings", "rerank")
"""Their requests have no conversation; they only go to providers that serve them."""


def wire_of(path: str, headers: Headers) -> ClientWire:
    """Return the wire that the sender of the request seems to speak; OpenAI's if nothing shows it."""
    return next(
        (wire for wire in CLIENT_WIRES.values() if wire.speaks(path, headers)), CLIENT_WIRES["openai"]
    )
