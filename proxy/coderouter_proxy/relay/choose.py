"""Choose the relay of an answer: the one that changes the least."""

from functools import partial

from coderouter_proxy.relay.edited import Edit, Edited, Edits
from coderouter_proxy.relay.edits import anthropic, openai
from coderouter_proxy.relay.edits.openai_usage import ShowUsage
from coderouter_proxy.relay.keep_state import KeepState
from coderouter_proxy.relay.on_spec import anthropic as anthropic_spec
from coderouter_proxy.relay.on_spec import openai as openai_spec
from coderouter_proxy.relay.on_spec import responses as responses_spec
from coderouter_proxy.relay.output_filters.filters import in_order
from coderouter_proxy.relay.passed_or_rewritten import PassedOrRewritten
from coderouter_proxy.relay.relay import Relay
from coderouter_proxy.relay.text import AnswerPolicy, FilterText, RepairToolCalls, Stages
from coderouter_proxy.relay.translated import Translated
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.anthropic.client import shows_thinking
from coderouter_proxy.wires.client import named_model
from coderouter_proxy.wires.clients import CLIENT_WIRES, RESPONSES
from coderouter_proxy.wires.openai.client import wants_usage
from coderouter_proxy.wires.openai.functions import uses_functions
from coderouter_proxy.wires.provider import ProviderWire


def choose(wire: ProviderWire, request: ClientRequest, policy: AnswerPolicy) -> Relay:
    """Return the relay for the answer of a provider that speaks this wire."""
    if wire.ingress != request.ingress:
        return Relay(wire, _translated(wire, request, policy))
    if wire.ingress == "responses":
        return _responses(wire, request, policy)
    edits = partial(EDITS[wire.ingress], request, policy)
    return Relay(wire, Edited(wire, edits, passes_plain_whole=not (policy.filters or request.has_tools)))


def _translated(wire: ProviderWire, request: ClientRequest, policy: AnswerPolicy) -> Translated:
    client = CLIENT_WIRES[request.ingress]
    writer = client.writer(request, policy.model or named_model(request.body))
    reasoning = client.shows_reasoning or policy.reasoning_passthrough
    kept = KeepState(
        policy.origin,
        signs=bool(policy.origin) and writer.shows_thinking,
        sets_aside=writer.keeps_blocks,
        returns_reasoning=reasoning and not client.shows_reasoning,
    )
    thoughts = writer.shows_thinking if client.shows_reasoning else policy.reasoning_passthrough
    stages = _stages(request, policy, thoughts=thoughts)
    return Translated(wire.reader(), writer, stages, kept, reasoning=reasoning)


def _responses(wire: ProviderWire, request: ClientRequest, policy: AnswerPolicy) -> Relay:
    """Return what passes the answer on, or writes it again where its text may change or its calls have other names."""
    rewritten = partial(_translated, wire, request, policy)
    if policy.filters or (policy.repairs_text_calls and request.outline.get("tools")):
        return Relay(wire, rewritten())
    on_spec = responses_spec.OnSpec()
    on_spec.keep = RESPONSES.passed_on(request, policy.origin, on_spec)
    conversion = PassedOrRewritten(Edited(wire, lambda: (on_spec,)), rewritten, responses_spec.is_sound)
    return Relay(wire, conversion, continues=on_spec.continues)


def _openai_edits(request: ClientRequest, policy: AnswerPolicy) -> Edits:
    edits: list[Edit] = []
    if policy.origin:
        edits.append(openai.KeepState(policy.origin, returns_reasoning=policy.reasoning_passthrough))
    if stages := _stages(request, policy, thoughts=policy.reasoning_passthrough):
        edits.append(openai.EditText(stages))  # reads where reasoning is
    if not policy.reasoning_passthrough:
        edits.append(openai.StripReasoning())
    if wants_usage(request.body) or not request.stream:
        edits.append(ShowUsage())
    else:
        edits.append(openai.HideUsage())
    if uses_functions(request.body):
        edits.append(openai.WriteFunctionCall())
    return openai_spec.OnSpec(names_reasoning=policy.reasoning_passthrough), *edits


def _anthropic_edits(request: ClientRequest, policy: AnswerPolicy) -> Edits:
    stages = _stages(request, policy, thoughts=shows_thinking(request))
    on_spec = anthropic_spec.OnSpec()
    return (on_spec, anthropic.EditText(stages, policy.origin)) if stages else (on_spec,)


EDITS = {"openai": _openai_edits, "anthropic": _anthropic_edits}
"""By wire, the edits of answers that stay on it."""


def _stages(request: ClientRequest, policy: AnswerPolicy, *, thoughts: bool) -> Stages:
    """Return the repair of tool calls, then the filters: they would remove the marks by which it recognises calls."""
    tools = CLIENT_WIRES[request.ingress].tools(request) if policy.repairs_text_calls else {}
    repair = [RepairToolCalls(tools)] if tools else []
    return Stages([*repair, *map(FilterText, in_order(policy.filters))], thoughts=thoughts)
