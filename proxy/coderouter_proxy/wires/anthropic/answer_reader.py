"""Read an answer on the Anthropic wire into deltas."""

from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, tool_names
from coderouter_proxy.wires.anthropic.blocks import InSequence
from coderouter_proxy.wires.anthropic.calls import arguments_text, stop_reason
from coderouter_proxy.wires.deltas import (
    Arguments,
    Delta,
    Opaque,
    Reader,
    Signature,
    Stop,
    Text,
    Thinking,
    ToolCall,
)
from coderouter_proxy.wires.ids import CallIds
from coderouter_proxy.wires.json_text import JsonText


class AnthropicReader(Reader):
    """Turns the events of a stream, or a complete message, into deltas.

    Blocks of tools that ran at the provider are left out. Tolerates calls with no id, with all of their input at once,
    blocks that are not closed, and those that are open at the same time.
    """

    def __init__(self) -> None:
        self.stop = Stop()
        self._in_sequence = InSequence()
        self._ids = CallIds("toolu_")
        self._in_call = False
        self._arguments = JsonText()
        self._input = ""  # of a call that came with all of it, until its block ends
        self._has_called = False

    def read(self, chunk: Body) -> list[Delta]:
        """Return what the event adds to the answer; a complete message is treated as one event."""
        if chunk.get("type") == "content_block_delta" and not self._in_sequence.waiting:
            return self._delta(_mapping(chunk.get("delta")))
        return [delta for ready in self._in_sequence.ready(chunk) for delta in self._read(ready)]

    def _read(self, chunk: Body) -> list[Delta]:
        match chunk.get("type"):
            case "content_block_delta":
                return self._delta(_mapping(chunk.get("delta")))
            case "content_block_start":
                return [*self._stopped_call(), *self._started(_mapping(chunk.get("content_block")))]
            case "content_block_stop":
                return self._stopped_call()
            case "message_delta":
                self._stopped(_mapping(chunk.get("delta")))
            case "message":
                self._stopped(chunk)
                blocks = chunk.get("content")
                return [
                    delta
                    for block in (blocks if isinstance(blocks, list) else [])
                    for delta in (*self._started(_mapping(block)), *self._stopped_call())
                ]
        return []

    def end(self) -> list[Delta]:
        waiting = [delta for chunk in self._in_sequence.end() for delta in self._read(chunk)]
        reason = stop_reason(self.stop.reason or "end_turn", has_called=self._has_called)
        if reason != self.stop.reason and (self.stop.reason or self._has_called):
            self.stop = Stop(reason)
        return [*waiting, *self._stopped_call()]

    def _delta(self, delta: Body) -> list[Delta]:
        match delta.get("type"):
            case "text_delta":
                return [Text(json_values.words(delta.get("text")))]
            case "input_json_delta" if self._in_call:
                self._arguments.add(arguments_text(delta.get("partial_json")))
                text = self._arguments.take()
                return [Arguments(text)] if text else []
            case "thinking_delta":
                return [Thinking(json_values.words(delta.get("thinking")))]
            case "signature_delta":
                return [Signature(json_values.words(delta.get("signature")))]
        return []

    def _started(self, block: Body) -> list[Delta]:
        """Return the beginning of a block, which is all of it in a complete message."""
        self._in_call = False
        match block.get("type"):
            case "text":
                return [Text(text)] if (text := json_values.words(block.get("text"))) else []
            case "thinking":
                text, signature = (
                    json_values.words(block.get("thinking")),
                    json_values.words(block.get("signature")),
                )
                thoughts: list[Delta] = [Thinking(text)] if text else []
                return [*thoughts, Signature(signature)] if signature else thoughts
            case "redacted_thinking":
                return [Opaque("redacted_thinking", block.get("data"))]
            case "tool_use" if name := tool_names.called(block.get("name")):
                self._in_call = self._has_called = True
                self._arguments = JsonText()
                self._input = arguments_text(block.get("input"))
                return [ToolCall(self._ids.of(json_values.words(block.get("id"))), name)]
        return []

    def _stopped_call(self) -> list[Delta]:
        """Return the input that came with the call, unless deltas had it; empty arguments, because "" is not JSON."""
        bare = self._in_call and not self._arguments
        self._in_call = False
        return [Arguments(self._input or "{}")] if bare else []

    def _stopped(self, reported: Body) -> None:
        if isinstance(reason := reported.get("stop_reason"), str):
            sequence = reported.get("stop_sequence")
            self.stop = Stop(reason, sequence if isinstance(sequence, str) else None)


def _mapping(value: Any) -> Body:  # noqa: ANN401
    return value if isinstance(value, dict) else {}
