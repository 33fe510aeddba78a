"""Carry an answer from a provider's wire to its client's: as it is, or read and written anew where it has to be."""

import time

from coderouter_proxy import token_estimate
from coderouter_proxy.answer import Answer
from coderouter_proxy.relay.relays import AsItIs, AsItIsOpenAI, Carrier, FilteredAnthropic, ReworkedOpenAI
from coderouter_proxy.relay.text_edits import AnswerPolicy, TextEdits
from coderouter_proxy.request import Body, Call
from coderouter_proxy.wires.anthropic.writer import AnthropicWriter
from coderouter_proxy.wires.deltas import Delta, Thinking
from coderouter_proxy.wires.openai import client
from coderouter_proxy.wires.openai.writer import OpenAIWriter
from coderouter_proxy.wires.provider import ProviderWire
from coderouter_proxy.wires.tool_names import ToolNames, short

Writer = AnthropicWriter | OpenAIWriter


def carrier(dialect: ProviderWire, call: Call, answer: Answer, rules: AnswerPolicy) -> Carrier:
    """Return the one that changes the least."""
    if dialect.ingress != call.ingress:
        rework = TextEdits(rules.filters, tool_names(call), answer)
        reasoning = call.ingress == "anthropic" or rules.reasoning_passthrough
        return _Translated(dialect, answer, writer(call), rework, reasoning=reasoning)
    if dialect.ingress == "anthropic":
        return FilteredAnthropic(dialect, answer, rules.filters) if rules.filters else AsItIs(dialect, answer)
    hide_usage = not client.wants_usage(call.body)
    names = tool_names(call)
    if not rules.filters and not names:
        return AsItIsOpenAI(dialect, answer, hide_usage=hide_usage, reasoning=rules.reasoning_passthrough)
    rework = TextEdits(rules.filters, names, answer)
    return ReworkedOpenAI(
        dialect, answer, rework, hide_usage=hide_usage, reasoning=rules.reasoning_passthrough
    )


def tool_names(call: Call) -> list[str]:
    """Return the names of the call's tools, as an OpenAI provider knows them."""
    tools = call.body.get("tools")
    names: list[str] = []
    for tool in tools if isinstance(tools, list) else []:
        if isinstance(tool, dict):
            function = tool.get("function") if call.ingress == "openai" else tool
            name = function.get("name") if isinstance(function, dict) else None
            if isinstance(name, str):
                names.append(name)
    return [short(name) for name in names] if call.ingress == "anthropic" else names


def writer(call: Call) -> Writer:
    """Return what writes an answer to this call on its client's wire, with the model that the client named."""
    model = call.body.get("model")
    named = model if isinstance(model, str) else "unknown"
    if call.ingress == "openai":
        usage_chunk = client.wants_usage(call.body)
        return OpenAIWriter(f"chatcmpl-{call.request_id}", named, int(time.time()), usage_chunk=usage_chunk)
    tools = call.body.get("tools")
    given = [tool.get("name") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    thinking = call.body.get("thinking")
    return AnthropicWriter(
        f"msg_{call.request_id.removeprefix('req_')}",
        named,
        ToolNames(name for name in given if isinstance(name, str)),
        thinking=isinstance(thinking, dict) and thinking.get("type") != "disabled",
        input_tokens=token_estimate.estimate(call.body),
    )


class _Translated(Carrier):
    """From one wire to the other."""

    def __init__(
        self, dialect: ProviderWire, answer: Answer, writer: Writer, rework: TextEdits, *, reasoning: bool
    ) -> None:
        super().__init__(dialect, answer)
        self._reader = dialect.reader()
        self._rework = rework
        self._writer = writer
        self._reasoning = reasoning
        self._begun = False

    def whole(self, body: bytes, decoded: Body) -> bytes:
        deltas = [*self._read(decoded), *self._last_deltas()]
        return self._writer.whole(deltas, self._reader.stop, self._answer.usage)

    def end(self) -> bytes:
        return (
            self._first()
            + self._writer.write(self._last_deltas())
            + self._writer.end(self._reader.stop, self._answer.usage)
        )

    def _read(self, chunk: Body) -> list[Delta]:
        deltas = self._reader.read(chunk)
        if not self._reasoning:
            kept: list[Delta] = [delta for delta in deltas if not isinstance(delta, Thinking)]
            if len(kept) != len(deltas):
                self._answer.stripped = ["reasoning"]
            deltas = kept
        return self._rework.deltas(deltas)

    def _last_deltas(self) -> list[Delta]:
        deltas = [*self._rework.deltas(self._reader.end()), *self._rework.last_deltas()]
        if self._answer.repaired:
            self._reader.stop.reason = "tool_use"
        return deltas

    def _first(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._writer.begin()

    def _carry(self, event: bytes, chunk: Body) -> bytes:
        return self._first() + self._writer.write(self._read(chunk))

    def _remark(self, event: bytes) -> bytes:
        return b""
