"""Messages and their streams as the API reference specifies them, from any server."""

import re
from operator import is_not
from typing import Any

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, token_report, tool_names
from coderouter_proxy.wires.anthropic.blocks import InSequence
from coderouter_proxy.wires.anthropic.calls import arguments_text, stop_reason
from coderouter_proxy.wires.anthropic.shape import DELTA_TYPES, begun_by, empty_message, is_block, is_delta
from coderouter_proxy.wires.ids import CallIds, new_id
from coderouter_proxy.wires.json_text import JsonText

_NAME = re.compile(r"[\w.-]+")  # of an event: a line break in it would end its line


_USAGE = ("input_tokens", "output_tokens")


class OnSpec:
    """Writes tool calls, the order of events and the stop_reason as clients expect them.

    An edit, and the first one: those after it only get what is on spec, which is returned unchanged. A block that is
    not closed ends where the next one starts, and each block gets its own index. What has no place is left out.
    """

    def __init__(self) -> None:
        self._in_sequence = InSequence()
        self._ids = CallIds("toolu_")
        self._begun = False
        self._type = ""  # of the newest block
        self._delta_type = b""  # of most of its deltas, and how they are numbered
        self._indices = (b"", b"")
        self._numbers: dict[int, int] = {}  # of blocks, by the provider's index for them
        self._blocks = 0
        self._open = -1
        self._input = ""  # of a call that came with all of it, until its block ends
        self._in_call = False
        self._arguments = JsonText()  # of a call, in deltas
        self._calls = 0
        self._is_moved = False  # numbers differ from the provider's

    def changes(self) -> Changes:
        return NO_CHANGES

    def calls(self) -> int:
        return self._calls

    def concerns(self, events: bytes) -> bool:
        return (
            self._is_moved
            or self._open < 0
            or self._delta_type not in events
            or not any(index in events for index in self._indices)
            or self._in_call
        )

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        if chunk.get("type") == "content_block_delta" and not self._in_sequence.waiting:
            return self._edited(chunk)
        return [edited for ready in self._in_sequence.ready(chunk) for edited in self._edited(ready)]

    def _edited(self, chunk: Body) -> list[Body]:
        kind = chunk.get("type")
        if not isinstance(kind, str) or not _NAME.fullmatch(kind):
            return []
        if kind == "message_start":
            return self._start(chunk)
        match kind:
            case "content_block_start":
                edited = [*self._closed(), *self._started(chunk)]
            case "content_block_delta":
                edited = self._delta(chunk)
            case "content_block_stop":
                edited = self._stopped(chunk)
            case "message_delta":
                delta = chunk.get("delta")
                reason = self._with_reason(delta) if isinstance(delta, dict) else {}
                usage = token_report.in_shape(chunk.get("usage"), "output_tokens") or {"output_tokens": 0}
                if reason is not delta or usage is not chunk.get("usage"):
                    chunk = {**chunk, "delta": reason, "usage": usage}
                edited = [*self._closed(), chunk]
            case _:
                return [chunk] if self._begun else []
        return edited if self._begun else [*self._start(_message_start()), *edited]

    def end(self) -> list[Body]:
        waiting = [edited for chunk in self._in_sequence.end() for edited in self._edited(chunk)]
        return [*waiting, *self._closed()]

    def whole(self, decoded: Body) -> Body:
        given = decoded["content"]
        content = [self._block(block) for block in given if is_block(block)]
        if len(content) != len(given) or any(map(is_not, content, given)):
            decoded = {**decoded, "content": content}
        if not isinstance(decoded.get("stop_reason"), str):
            decoded = {**decoded, "stop_reason": "end_turn"}
        return self._with_reason(_completed(decoded))

    def _start(self, chunk: Body) -> list[Body]:
        """Return the beginning of the message, which it has only once."""
        message = chunk.get("message")
        if self._begun or not isinstance(message, dict):
            return []
        self._begun = True
        fitting = _message(message)
        return [chunk if fitting is message else {**chunk, "message": fitting}]

    def _started(self, chunk: Body) -> list[Body]:
        given = chunk.get("content_block")
        if not isinstance(given, dict) or not is_block(given):
            return []
        number, index = self._blocks, _index(chunk)
        self._blocks += 1
        self._open = self._numbers[index] = number
        self._is_moved = self._is_moved or index != number
        block: Body = self._block(given)
        self._type = given["type"]
        self._delta_type = DELTA_TYPES.get(self._type, b"_delta")
        self._indices = (b'"index":%d' % number, b'"index": %d' % number)
        self._in_call = self._type == "tool_use"
        if self._in_call:
            self._arguments = JsonText()
        if self._in_call and block["input"]:
            self._input = arguments_text(block["input"])
            block = {**block, "input": {}}
        same = block is given and index == number
        return [chunk if same else {**chunk, "index": number, "content_block": block}]

    def _delta(self, chunk: Body) -> list[Body]:
        delta = chunk.get("delta")
        if self._open < 0 and (block := begun_by(delta)) is not None:
            start = {"type": "content_block_start", "index": chunk.get("index"), "content_block": block}
            return [*self._started(start), *self._delta(chunk)]
        if self._open < 0 or not is_delta(delta, self._type):
            return []
        if isinstance(delta, dict) and "partial_json" in delta:
            text = arguments_text(delta["partial_json"])
            if self._in_call:
                self._arguments.add(text)
                text = self._arguments.take()
                self._input = "" if self._arguments else self._input
            if text != delta["partial_json"]:
                delta = {**delta, "partial_json": text}
        same = delta is chunk.get("delta") and self._open == chunk.get("index")
        return [chunk if same else {**chunk, "index": self._open, "delta": delta}]

    def _stopped(self, chunk: Body) -> list[Body]:
        number = self._number(chunk)
        if number != self._open or number < 0:
            return []  # closed already
        *held, stop = self._closed()
        return [*held, chunk if number == chunk.get("index") else stop]

    def _closed(self) -> list[Body]:
        """Return the end of the block that is open, if one is."""
        if self._open < 0:
            return []
        closed: list[Body] = [{"type": "content_block_stop", "index": self._open}]
        if self._input:
            delta = {"type": "input_json_delta", "partial_json": self._input}
            closed.insert(0, {"type": "content_block_delta", "index": self._open, "delta": delta})
        self._open, self._input, self._in_call = -1, "", False
        return closed

    def _number(self, chunk: Body) -> int:
        return self._numbers.get(_index(chunk), self._open)

    def _block(self, block: Any) -> Any:  # noqa: ANN401 - of a provider
        """Return a block; a call has an id and an object as its input, and thinking a signature."""
        if not isinstance(block, dict):
            return block
        if block.get("type") == "thinking" and not isinstance(block.get("signature"), str):
            return {**block, "signature": ""}
        if block.get("type") != "tool_use":
            return block
        self._calls += 1
        own_id, given = self._ids.of(json_values.words(block.get("id"))), block.get("input")
        name = tool_names.called(block["name"])
        if own_id == block.get("id") and name == block["name"] and isinstance(given, dict):
            return block
        arguments = given if isinstance(given, dict) else json_values.arguments(arguments_text(given))
        return {**block, "id": own_id, "name": name, "input": arguments}

    def _with_reason(self, stopped: Body) -> Body:
        """Return what has a stop_reason with the right one; the same object if it was."""
        given = stopped.get("stop_reason")
        reason = stop_reason(given, has_called=self._calls > 0) if isinstance(given, str) else given
        return stopped if reason == given else {**stopped, "stop_reason": reason}


def _message_start() -> Body:
    """Return the beginning of a message whose provider left it out."""
    return {"type": "message_start", "message": _message({})}


def _message(given: Body) -> Body:
    """Return a message that begins as clients read it; the same object if it does."""
    usual = empty_message("", "unknown")
    usage = token_report.in_shape(given.get("usage"), *_USAGE) or dict.fromkeys(_USAGE, 0)
    fitting = {
        name: given[name]
        for name, value in usual.items()
        if name in given and type(given[name]) is type(value)
    }
    if len(fitting) == len(usual) and given["content"] == [] and usage is given.get("usage"):
        return given
    return {**given, **usual, "id": new_id("msg_"), **fitting, "content": [], "usage": usage}


def _completed(given: Body) -> Body:
    """Return a whole message with what clients read of each; the same object if it has that."""
    usage = token_report.in_shape(given.get("usage"), *_USAGE) or dict.fromkeys(_USAGE, 0)
    usual = {"id": "", "role": "assistant", "model": "unknown"}
    missing = {name: value for name, value in usual.items() if not isinstance(given.get(name), str)}
    if "id" in missing:
        missing["id"] = new_id("msg_")
    return {**given, **missing, "usage": usage} if missing or usage is not given.get("usage") else given


def _index(chunk: Body) -> int:
    index = chunk.get("index")
    return index if isinstance(index, int) else -1
