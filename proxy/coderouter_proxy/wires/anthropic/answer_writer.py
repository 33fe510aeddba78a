"""Write deltas as an answer on the Anthropic wire."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import orjson

from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.anthropic.shape import empty_message
from coderouter_proxy.wires.deltas import (
    Arguments,
    Delta,
    Opaque,
    Signature,
    Stop,
    Text,
    Thinking,
    ToolCall,
)
from coderouter_proxy.wires.tool_names import ToolNames

_BLOCKS: dict[type[Delta], Body] = {
    Text: {"type": "text", "text": ""},
    Thinking: {"type": "thinking", "thinking": "", "signature": ""},
}
_NOT_IN_ID = re.compile(r"[^A-Za-z0-9_-]")


class AnthropicWriter(AnswerWriter):
    """Writes a message; `model` is the one the client named, `input_tokens` estimates those of the request.

    Thinking is written only to a client that requested it.
    """

    def __init__(
        self,
        message_id: str,
        model: str,
        names: ToolNames,
        *,
        thinking: bool,
        input_tokens: Callable[[], int],
        keeps_blocks: bool = False,
    ) -> None:
        self._message = empty_message(message_id, model)
        self._names = names
        self.shows_thinking = thinking
        self.keeps_blocks = keeps_blocks
        self._estimate = input_tokens
        self._index = -1
        self._open: type[Delta] | None = None
        # White space alone is held back until more text follows: Anthropic rejects such a block in later requests.
        self._blank = ""

    @cached_property
    def _input_tokens(self) -> int:
        return self._estimate()

    def begin(self) -> bytes:
        usage = {"input_tokens": self._input_tokens, "output_tokens": 0}
        return event("message_start", {"message": {**self._message, "usage": usage}})

    def write(self, deltas: list[Delta]) -> bytes:
        """Return the events for the deltas; blocks open and close as kinds change."""
        parts: list[bytes] = []
        for delta in deltas:
            match delta:
                case Text() if self._open is not Text and not (self._blank + delta.text).strip():
                    self._blank += delta.text
                case Text():
                    self._enter(Text, parts)
                    parts.append(self._delta(b'text_delta","text":', self._blank + delta.text))
                    self._blank = ""
                case Arguments():
                    parts.append(self._delta(b'input_json_delta","partial_json":', delta.text))
                case ToolCall():
                    self._leave(parts)
                    self._start(_tool_use(delta, self._names), parts)
                    self._open = ToolCall
                case Thinking() if self.shows_thinking:
                    self._enter(Thinking, parts)
                    parts.append(self._delta(b'thinking_delta","thinking":', delta.text))
                case Signature() if self._open is Thinking:
                    parts.append(self._delta(b'signature_delta","signature":', delta.signature))
                case Opaque(name="redacted_thinking"):
                    self._leave(parts)
                    self._start(_redacted(delta), parts)
                    self._open = Opaque
        return b"".join(parts)

    def end(self, stop: Stop, usage: Usage) -> bytes:
        parts: list[bytes] = []
        self._leave(parts)
        parts.append(event("message_delta", {"delta": _stopped(stop), "usage": self._usage(usage)}))
        parts.append(event("message_stop", {}))
        return b"".join(parts)

    def whole(self, deltas: list[Delta], stop: Stop, usage: Usage) -> bytes:
        """Return the complete message."""
        return orjson.dumps(
            {
                **self._message,
                "content": self._blocks(deltas),
                **_stopped(stop),
                "usage": self._usage(usage),
            }
        )

    def _usage(self, usage: Usage) -> dict[str, int]:
        reported = {
            "input_tokens": self._input_tokens if usage.input_tokens is None else usage.input_tokens,
            "output_tokens": usage.output_tokens or 0,
        }
        if usage.cache_read_tokens is not None:
            reported["cache_read_input_tokens"] = usage.cache_read_tokens
        if usage.cache_creation_tokens is not None:
            reported["cache_creation_input_tokens"] = usage.cache_creation_tokens
        return reported

    def _blocks(self, deltas: list[Delta]) -> list[Body]:
        blocks: list[Body] = []
        arguments: list[str] = []
        for delta in deltas:
            last: Body = blocks[-1] if blocks else {"type": None}
            match delta:
                case Text() if last["type"] == "text":
                    last["text"] += delta.text
                case Text():
                    blocks.append({"type": "text", "text": delta.text})
                case Thinking() if last["type"] == "thinking":
                    last["thinking"] += delta.text
                case Thinking() if self.shows_thinking:
                    blocks.append({"type": "thinking", "thinking": delta.text, "signature": ""})
                case Signature() if last["type"] == "thinking":
                    last["signature"] = delta.signature
                case Opaque(name="redacted_thinking"):
                    blocks.append(_redacted(delta))
                case ToolCall():
                    arguments.append("")
                    blocks.append(_tool_use(delta, self._names))
                case Arguments():
                    arguments[-1] += delta.text
        for block, text in zip(
            (block for block in blocks if block["type"] == "tool_use"), arguments, strict=True
        ):
            block["input"] = json_values.arguments(text)
        return [block for block in blocks if block["type"] != "text" or block["text"].strip()]

    def _enter(self, kind: type[Delta], parts: list[bytes]) -> None:
        if self._open is not kind:
            self._leave(parts)
            self._start(_BLOCKS[kind], parts)
            self._open = kind

    def _start(self, block: Body, parts: list[bytes]) -> None:
        if block["type"] != "text":
            self._blank = ""
        self._index += 1
        parts.append(event("content_block_start", {"index": self._index, "content_block": block}))

    def _leave(self, parts: list[bytes]) -> None:
        if self._open is not None:
            parts.append(event("content_block_stop", {"index": self._index}))
            self._open = None

    def _delta(self, kind: bytes, text: str) -> bytes:
        # Most events are of this kind; formatting it takes a third of the time of encoding it as JSON.
        return (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b%b}}\n\n'
            % (self._index, kind, orjson.dumps(text))
        )


def event(name: str, data: Body) -> bytes:
    """Return one server-sent event; the SDKs expect its name in the data as well."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps({"type": name, **data}))


def _redacted(state: Opaque) -> Body:
    return {"type": "redacted_thinking", "data": state.value}


def _tool_use(call: ToolCall, names: ToolNames) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": _NOT_IN_ID.sub("_", call.id),
        "name": names.long(call.name),
        "input": {},
    }


def _stopped(stop: Stop) -> Body:
    """Return how the answer ended; a filter is a refusal on this wire."""
    reason = "refusal" if stop.reason == "content_filter" else stop.reason or "end_turn"
    return {"stop_reason": reason, "stop_sequence": stop.sequence}
