"""Clients of both wires that call tools turn after turn, and providers whose answers hold state."""

from typing import Any

from coderouter_proxy.wires import state
from support.proxy import openai_answers
from support.proxy.client_view import OpenAIClient, event_data, ordered_blocks
from support.proxy.process import Proxy
from support.proxy.upstream import Provider, Script, stream

Body = dict[str, Any]
TOOL = {"name": "read", "input_schema": {"type": "object", "properties": {}}}
EXTRA: Body = {"google": {"thought_signature": "SIG/abc+=="}}


class Session:
    """A client of a wire that calls tools: it sends back all that its wire has, and nothing else."""

    def __init__(self, wire: str, *, streamed: bool, **fields: object) -> None:
        self.is_anthropic = wire == "anthropic"
        self.messages: list[Body] = [{"role": "user", "content": "hi"}]
        self.answer: Body = {}
        tool = (
            TOOL
            if self.is_anthropic
            else {"type": "function", "function": {"name": "read", "parameters": {}}}
        )
        self._fields = {"tools": [tool], "stream": streamed, **fields}

    def turn(self, proxy: Proxy, profile: str) -> None:
        ask = proxy.messages if self.is_anthropic else proxy.chat
        response = ask({"X-CodeRouter-Profile": profile}, messages=self.messages, **self._fields).rest()
        assert response.status == 200, response.body
        if self.is_anthropic:
            blocks = (
                ordered_blocks(event_data(response.body))
                if self._fields["stream"]
                else response.json["content"]
            )
            self.answer = {"role": "assistant", "content": blocks}
            uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
            results = [{"type": "tool_result", "tool_use_id": use, "content": "data"} for use in uses]
            self.messages += [self.answer, {"role": "user", "content": results or "go on"}]
        else:
            self.answer = (
                _message(response.body) if self._fields["stream"] else response.json["choices"][0]["message"]
            )
            calls = [call["id"] for call in self.answer.get("tool_calls") or []]
            results = [{"role": "tool", "tool_call_id": call, "content": "data"} for call in calls]
            self.messages += [self.answer, *(results or [{"role": "user", "content": "go on"}])]

    @property
    def ids(self) -> list[str]:
        if self.is_anthropic:
            return [block["id"] for block in self.answer["content"] if block["type"] == "tool_use"]
        return [call["id"] for call in self.answer["tool_calls"]]


def _message(raw: bytes) -> Body:
    """Return the message as the OpenAI SDK puts it together, reduced to the fields that agents send back."""
    message: Body = {"role": "assistant", "content": ""}
    calls: dict[int, Body] = {}
    for delta in OpenAIClient().deltas(raw):
        message["content"] += delta.get("content") or ""
        if thought := delta.get("reasoning_content"):
            message["reasoning_content"] = message.get("reasoning_content", "") + thought
        for number, piece in enumerate(delta.get("tool_calls") or []):
            function = piece["function"]
            call = calls.setdefault(
                piece.get("index", number),
                {"id": piece.get("id"), "type": "function", "function": {"name": "read", "arguments": ""}},
            )
            call["function"]["arguments"] += function.get("arguments") or ""
    return {**message, "tool_calls": list(calls.values())} if calls else message


def call(call_id: str, *, extra: Body | None = None) -> Body:
    function = {"name": "read", "arguments": "{}"}
    return {
        "id": call_id,
        "type": "function",
        "function": function,
        **({"extra_content": extra} if extra else {}),
    }


def says(*fields: Body, streamed: bool) -> Script:
    """Return an answer with these deltas, or the message that they make."""
    if streamed:
        return stream(
            openai_answers.ROLE,
            *map(openai_answers.chunk, fields),
            openai_answers.chunk({}, "tool_calls"),
            openai_answers.DONE,
        )
    message: Body = {"role": "assistant", "content": None}
    for each in fields:
        message |= each
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return openai_answers.answer(choices=[choice])


def plays(provider: Provider, *scripts: Script, streamed: bool) -> None:
    provider.plays(
        *scripts, always=openai_answers.streamed("fine") if streamed else openai_answers.answer("fine")
    )


def assistant(provider: Provider) -> list[Body]:
    """Return the assistant messages of the last request, which holds no payload of ours."""
    received = provider.requests[-1]
    assert state.RAW_MARK not in received.body
    return [message for message in received.json["messages"] if message["role"] == "assistant"]


def results(provider: Provider) -> list[str]:
    messages = provider.requests[-1].json["messages"]
    return [message["tool_call_id"] for message in messages if message["role"] == "tool"]
