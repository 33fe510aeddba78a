"""Read an answer on the OpenAI wire into deltas, also from servers that deviate from OpenAI."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values
from coderouter_proxy.wires.deltas import (
    ANTHROPIC_STOPS,
    Arguments,
    Delta,
    Opaque,
    Reader,
    Stop,
    Text,
    Thinking,
    ToolCall,
)


@dataclass(slots=True)
class _Call:
    """A tool call in progress; `sent` characters of its arguments were passed on, all of them once it is `over`."""

    id: str
    name: str = ""
    arguments: str = ""
    extra: Body | None = None
    sent: int = 0
    begun: bool = False
    over: bool = False


@dataclass(slots=True)
class _Calls:
    """All calls of an answer, by the key that the server distinguishes them by; one at a time is passed on live."""

    by_key: dict[object, _Call] = field(default_factory=dict)
    live: _Call | None = None
    last_key: object = None
    newest_at: dict[object, object] = field(default_factory=dict)  # by index, if several share one


class OpenAIReader(Reader):
    """Turns chunks into deltas; a whole completion is read as one chunk.

    Tolerates tool calls with no index, with no id, all in one chunk, interleaved, and with arguments that repeat what
    was sent before. Interleaved calls are put in sequence: the first one is passed on live, the others when they are
    complete or the answer ends.
    """

    def __init__(self) -> None:
        self.stop = Stop()
        self._calls = _Calls()
        self._later: list[Delta] = []

    def read(self, chunk: Body) -> list[Delta]:
        """Return what the chunk adds to the answer."""
        choices = chunk.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict) or choice.get("index"):  # not the first of several answers
            return []
        if isinstance(reason := choice.get("finish_reason"), str) and reason:
            self.stop.reason = ANTHROPIC_STOPS.get(reason, "end_turn")
            self._matched(choice.get("stop_reason"))
        delta = choice.get("delta") or choice.get("message")
        return self._delta(delta) if isinstance(delta, dict) else []

    def end(self) -> list[Delta]:
        """Return what was held back until the end. Call it once; then `stop` is final."""
        deltas: list[Delta] = []
        for call in self._calls.by_key.values():
            deltas += _rest(call)
        deltas += self._later
        called = any(call.begun for call in self._calls.by_key.values())
        if called and self.stop.reason in (None, "end_turn", "stop_sequence"):
            self.stop = Stop("tool_use")  # some servers say "stop" with calls present
        return deltas

    def _matched(self, sequence: object) -> None:
        """vLLM names the stop sequence that matched; OpenAI does not."""
        if isinstance(sequence, str) and self.stop.reason == "end_turn":
            self.stop.reason, self.stop.sequence = "stop_sequence", sequence

    def _delta(self, delta: Body) -> list[Delta]:
        deltas: list[Delta] = []
        if (content := delta.get("content")) and (text := _text(content)):
            deltas.append(Text(text))
        field = "reasoning_content" if delta.get("reasoning_content") else "reasoning"
        if isinstance(thought := delta.get(field), str):
            deltas.insert(0, Thinking(thought, field))
        deltas = [*_opaque(delta), *deltas]
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            deltas.append(Text(refusal))
        if deltas and self._calls.live is not None:
            if _is_complete(self._calls.live):
                self._calls.live.over = True
                deltas, self._later = [*self._later, *deltas], []
            else:
                self._later += deltas  # text between the arguments of a call would split it
                deltas = []
        if calls := delta.get("tool_calls"):
            for call in calls if isinstance(calls, list) else []:
                if isinstance(call, dict):
                    deltas += self._call(call)
        if isinstance(function := delta.get("function_call"), dict):
            deltas += self._call({"index": 0, "function": function})
        return deltas

    def _call(self, piece: dict[str, Any]) -> list[Delta]:
        call = self._identified(piece)
        function = piece.get("function")
        if isinstance(function, dict):
            if isinstance(name := function.get("name"), str) and not call.name:
                call.name = name
            _append(call, function.get("arguments"))
        if call.extra is None and isinstance(extra := piece.get("extra_content"), dict):
            call.extra = extra
        calls = self._calls
        if calls.live is call:
            return _news(call)
        if call.begun or not (calls.live is None or calls.live.over or _is_complete(calls.live)):
            return []
        deltas = _rest(calls.live) if calls.live is not None else []
        calls.live = call
        return [*deltas, *_news(call)]

    def _identified(self, piece: dict[str, Any]) -> _Call:
        """Return the call that the piece belongs to: by its index, else by its id, else the latest call."""
        calls = self._calls
        given, index = json_values.words(piece.get("id")), piece.get("index")
        function = piece.get("function")
        named = isinstance(function, dict) and bool(function.get("name"))
        key: object
        if isinstance(index, int):
            key = calls.newest_at.get(index, ("index", index))
            if key in calls.by_key and given and named and calls.by_key[key].id != given:
                # Some servers give every call index 0; only the ids differ.
                key = calls.newest_at[index] = (index, given)
        elif given:
            key = ("id", given)
        elif named or calls.last_key is None:
            key = ("order", len(calls.by_key))
        else:
            key = calls.last_key
        calls.last_key = key
        if key not in calls.by_key:
            calls.by_key[key] = _Call(given or f"call_{secrets.token_hex(12)}")
        return calls.by_key[key]


def _opaque(delta: Body) -> list[Delta]:
    """Return the state of the turn: OpenRouter's, and Gemini's where it is not about a call."""
    opaque: list[Delta] = []
    if isinstance(details := delta.get("reasoning_details"), list) and details:
        opaque.append(Opaque("reasoning_details", details))
    if isinstance(extra := delta.get("extra_content"), dict) and extra:
        opaque.append(Opaque("extra_content", extra))
    return opaque


def _append(call: _Call, arguments: object) -> None:
    if isinstance(arguments, dict):  # Ollama's own format: already decoded
        arguments = json_values.written(arguments, retryable=True)
    if not isinstance(arguments, str):
        return
    if call.arguments.startswith("{") and arguments.startswith(call.arguments):
        call.arguments = arguments  # all of it again: JSON text never continues with its own beginning
    else:
        call.arguments += arguments


def _news(call: _Call) -> list[Delta]:
    """Return what is new of the call; nothing until it has a name."""
    deltas: list[Delta] = []
    if call.over or not call.name:
        return deltas
    if not call.begun:
        call.begun = True
        deltas.append(ToolCall(call.id, call.name, call.extra))
    if call.sent < len(call.arguments):
        deltas.append(Arguments(call.arguments[call.sent :]))
        call.sent = len(call.arguments)
    return deltas


def _rest(call: _Call) -> list[Delta]:
    deltas = _news(call)
    call.over = True
    return deltas


def _is_complete(call: _Call) -> bool:
    try:
        orjson.loads(call.arguments)
    except orjson.JSONDecodeError:
        return False
    return True


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(json_values.words(part.get("text")) for part in parts if isinstance(part, dict))
