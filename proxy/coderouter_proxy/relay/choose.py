"""Choose the relay of an answer: the one that changes the least."""

from coderouter_proxy.relay.edited import Edit, Edited
from coderouter_proxy.relay.edits import anthropic, openai
from coderouter_proxy.relay.keep_state import KeepState
from coderouter_proxy.relay.relay import Conversion, Relay
from coderouter_proxy.relay.text import AnswerPolicy, FilterText, RepairToolCalls, Stages
from coderouter_proxy.relay.translated import Translated
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.openai.client import wants_usage
from coderouter_proxy.wires.provider import ProviderWire


def choose(wire: ProviderWire, request: ClientRequest, policy: AnswerPolicy) -> Relay:
    """Return the relay for the answer of a provider that speaks this wire."""
    return Relay(wire, _conversion(wire, request, policy))


def _conversion(wire: ProviderWire, request: ClientRequest, policy: AnswerPolicy) -> Conversion:
    client = CLIENT_WIRES[request.ingress]
    if wire.ingress != request.ingress:
        writer = client.writer(request)
        reasoning = client.shows_reasoning or policy.reasoning_passthrough
        kept = KeepState(
            policy.origin,
            signs=bool(policy.origin) and writer.shows_thinking,
            sets_aside=writer.keeps_blocks,
            returns_reasoning=reasoning and not client.shows_reasoning,
        )
        stages = _stages(policy, client.tool_names(request))
        return Translated(wire.reader(), writer, stages, kept, reasoning=reasoning)
    return Edited(wire, EDITS[wire.ingress](request, policy))


def _openai_edits(request: ClientRequest, policy: AnswerPolicy) -> list[Edit]:
    edits: list[Edit] = []
    if policy.origin:
        edits.append(openai.KeepState(policy.origin, returns_reasoning=policy.reasoning_passthrough))
    if not policy.reasoning_passthrough:
        edits.append(openai.StripReasoning())
    if not wants_usage(request.body):
        edits.append(openai.HideUsage())
    if stages := _stages(policy, CLIENT_WIRES[request.ingress].tool_names(request)):
        edits.append(openai.EditText(stages))
    return edits


def _anthropic_edits(request: ClientRequest, policy: AnswerPolicy) -> list[Edit]:
    """Text from providers of this wire is not searched for tool calls."""
    stages = _stages(policy, [])
    return [anthropic.EditText(stages)] if stages else []


EDITS = {"openai": _openai_edits, "anthropic": _anthropic_edits}
"""By wire, the edits of answers that stay on it."""


def _stages(policy: AnswerPolicy, tool_names: list[str]) -> Stages:
    filters = [FilterText(policy.filters)] if policy.filters else []
    repair = [RepairToolCalls(tool_names)] if tool_names else []
    return Stages([*filters, *repair])
