"""Chat completions and their chunks as the API reference specifies them, from any server."""

import re
from operator import is_
from typing import Any

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, state
from coderouter_proxy.wires.openai import finish
from coderouter_proxy.wires.openai.answer_reader import NO_REASONING, thought_in
from coderouter_proxy.wires.openai.calls import Call, Calls, named
from coderouter_proxy.wires.openai.content import thoughts_and_text
from coderouter_proxy.wires.openai.shape import (
    CHUNK,
    COMPLETION,
    Envelope,
    first_choice,
    in_shape,
    with_choice,
)

# Searching for a word is fast; the expressions rule out fields without a list or an object in them.
_CALLS = re.compile(rb'_calls?"\s*:\s*[\[{]')
_PARTS = re.compile(rb'"content"\s*:\s*\[')

ENDED = frozenset({"stop", "tool_calls", "function_call"})
"""Of an answer that is complete, with calls in it or without."""
CUT = frozenset({"length", "content_filter"})
_NOT_OF_CALLS = frozenset({"index", "name", "arguments"})
"""Fields that servers add to calls of a whole answer."""


class OnSpec:
    """Writes tool calls, content in parts and the finish_reason as clients expect them.

    An edit, and the first one: those after it only get what is on spec, which is returned unchanged.
    """

    def __init__(self, *, names_reasoning: bool = False) -> None:
        """`names_reasoning`: reasoning in a server's own field is in `reasoning_content` too.

        An answer begins with its reasoning, in an event that is parsed in any case: without any, nothing is searched.
        """
        self._names_reasoning = names_reasoning
        self._has_named = False
        self._calls = Calls()
        self._envelope = Envelope(CHUNK)
        self._stopped: Body | None = None  # the chunk that ended the answer without a call
        self._is_cut = False

    def changes(self) -> Changes:
        return NO_CHANGES

    def calls(self) -> int:
        return len(self._calls.begun)

    def concerns(self, events: bytes) -> bool:
        if self._has_named and (b'"reasoning_' in events or b'"thinking"' in events):
            return True
        if events.count(b"{") <= 3:  # a chunk, its choice and its delta
            return False
        return (b"_call" in events and _CALLS.search(events) is not None) or (
            b'"content"' in events and _PARTS.search(events) is not None
        )

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        chunk = self._envelope.around(in_shape(chunk, "delta"))
        choice = first_choice(chunk)
        if choice is None:
            return [chunk]
        given = choice.get("delta")
        delta: Body = given if isinstance(given, dict) else {}
        said = self._delta(delta)
        if said is delta and not choice.get("finish_reason"):
            return [chunk]
        reason = self._reason(choice)
        bare = self._without_arguments() if reason == "tool_calls" else []
        if reason:
            self._stopped = chunk if reason in ENDED and reason != "tool_calls" else None
        if said is delta and reason == choice.get("finish_reason") and not bare:
            return [chunk]
        edited: list[Body] = []
        if bare:
            parts = [said, {"tool_calls": bare}]
            edited = [_alone(chunk, choice, delta=part, finish_reason=None) for part in parts if part]
            said = {}
        if reason or chunk.get("usage") or any(said.values()) or len(chunk["choices"]) > 1:
            edited.append(with_choice(chunk, choice, delta=said, finish_reason=reason))
        return edited

    def end(self) -> list[Body]:
        """Return the finish_reason again, if calls came after it."""
        choice = first_choice(self._stopped) if self._stopped and self._calls.begun else None
        if self._stopped is None or choice is None:
            return []
        bare = self._without_arguments()
        delta: Body = {"tool_calls": bare} if bare else {}
        return [_alone(self._stopped, choice, delta=delta, finish_reason="tool_calls")]

    def whole(self, decoded: Body) -> Body:
        decoded = Envelope(COMPLETION).around(in_shape(decoded, "message"))
        choice = first_choice(decoded)
        message = choice.get("message") if choice else None
        if choice is None or not isinstance(message, dict):
            return decoded
        said = self._message(message, is_cut=_is_cut(choice))
        reason = self._reason(choice) or ("tool_calls" if self._calls.begun else "stop")
        if said is message and reason == choice.get("finish_reason"):
            return decoded
        return with_choice(decoded, choice, message=said, finish_reason=reason)

    def _reason(self, choice: Body) -> str | None:
        """Return why the answer ended: servers say "stop" with calls present, and "tool_calls" without any.

        Some say "stop" once more behind the true reason.
        """
        reason = finish.of(choice)
        if reason not in ENDED:
            self._is_cut = self._is_cut or reason in CUT
            return reason
        if self._is_cut:
            return None
        if self._calls.begun:
            return "tool_calls"
        return "stop" if reason == "tool_calls" else reason

    def _delta(self, delta: Body) -> Body:
        """Return the delta on spec; the same object if it was."""
        if isinstance(delta.get("content"), list):
            delta = _with_text(delta)
        if self._names_reasoning and not NO_REASONING.issuperset(delta):
            delta = self._with_reasoning(delta)
        pieces = _calls_in(delta)
        if not pieces:
            return delta
        kept = list(map(self._piece, pieces))
        return delta if _is_same(kept, delta) else _with_calls(delta, kept)

    def _message(self, message: Body, *, is_cut: bool) -> Body:
        """Return the message on spec; the same object if it was."""
        said = _with_text(message) if isinstance(message.get("content"), list) else message
        if self._names_reasoning and not NO_REASONING.issuperset(said):
            said = self._with_reasoning(said)
        if pieces := _calls_in(said):
            calls = [self._call(piece, is_cut=is_cut) for piece in pieces]
            said = said if _is_same(calls, said) else _with_calls(said, calls)
        if "content" not in said:
            said = {**said, "content": None if said.get("tool_calls") else ""}
        return said if "role" in said else {**said, "role": "assistant"}

    def _with_reasoning(self, said: Body) -> Body:
        """Return what is said with its reasoning where clients look for it; the same object if it is there."""
        if any(map(said.get, state.REASONING)) or (thought := thought_in(said)) is None:
            return said
        self._has_named = True
        return {**said, "reasoning_content": thought.text}

    def _piece(self, piece: Any) -> Body | None:  # noqa: ANN401 - of a provider
        """Return a part of a call as its client needs it; None if it adds nothing or its call has no name yet."""
        if not isinstance(piece, dict):
            return None
        if "custom" in piece:
            return self._custom(piece)
        call = self._calls.read(piece)
        if not call.name:
            return None
        begins = not call.begun
        if begins:
            self._calls.begin(call)
        text = call.arguments.take()
        if _is_on_spec(piece, call, text, begins=begins):
            return piece
        if begins:
            function = {"name": call.name, "arguments": text}
            begun: Body = {"index": call.number, "id": call.id, "type": "function", "function": function}
            return begun if call.extra is None else {**begun, "extra_content": call.extra}
        return {"index": call.number, "function": {"arguments": text}} if text else None

    def _call(self, call: Any, *, is_cut: bool) -> Body | None:  # noqa: ANN401 - of a provider
        """Return a call of a whole answer; None if it has no name."""
        if not isinstance(call, dict) or "custom" in call:
            return call if isinstance(call, dict) else None
        read = self._calls.read(call, whole=True)
        if not read.name:
            return None
        self._calls.begin(read)
        function = named(call)
        text = read.arguments.take() or (json_values.words(function.get("arguments")) if is_cut else "{}")
        given = (call.get("id"), call.get("type"), function.get("name"), function.get("arguments"))
        kept = given == (read.id, "function", read.name, text)
        if kept and function is not call:
            return call
        own = {} if function is call else function
        edited = {**call, "id": read.id, "type": "function"}
        edited["function"] = {**own, "name": read.name, "arguments": text}
        return {name: value for name, value in edited.items() if name not in _NOT_OF_CALLS}

    def _custom(self, piece: Body) -> Body:
        """Return unchanged the piece of a call whose input is not JSON; it has a number like others."""
        call = self._calls.read({**piece, "function": {"name": "custom"}})
        if not call.begun:
            self._calls.begin(call)
            call.arguments.add("{}")
        return piece

    def _without_arguments(self) -> list[Body]:
        """Return the empty arguments of calls that got none: an empty text is not JSON."""
        bare = [call for call in self._calls.begun if not call.arguments]
        for call in bare:
            call.arguments.add("{}")
        return [{"index": call.number, "function": {"arguments": call.arguments.take()}} for call in bare]


def _is_on_spec(piece: Body, call: Call, text: str, *, begins: bool) -> bool:
    """Return whether the piece says what it adds as the API reference has it: id, type and name only once."""
    function = piece.get("function")
    if not isinstance(function, dict) or piece.get("index") != call.number:
        return False
    if begins:
        named = (piece.get("id"), piece.get("type"), function.get("name")) == (call.id, "function", call.name)
        return named and function.get("arguments") == text
    arguments = function.get("arguments")
    said_once = not (piece.get("id") or function.get("name")) and piece.get("type", "function") == "function"
    return said_once and (arguments == text or (arguments is None and not text))


def _is_cut(choice: Body) -> bool:
    return finish.of(choice) in CUT


def _alone(chunk: Body, choice: Body, **fields: object) -> Body:
    """Return a chunk of this choice alone, with these fields and without the usage."""
    kept = {name: value for name, value in chunk.items() if name != "usage"}
    return {**kept, "choices": [{**choice, **fields}]}


def _calls_in(said: Body) -> list[Any]:
    """Return the calls in a delta or message, or the one of the older form."""
    calls, function = said.get("tool_calls"), said.get("function_call")
    if isinstance(calls, list) and calls:
        return calls
    return [{"index": 0, "function": function}] if isinstance(function, dict) else []


def _is_same(calls: list[Body | None], said: Body) -> bool:
    """Return whether these are the very calls of the delta or message."""
    given = said.get("tool_calls")
    return isinstance(given, list) and len(given) == len(calls) and all(map(is_, calls, given))


def _with_calls(said: Body, calls: list[Body | None]) -> Body:
    """Return the delta or message with these calls."""
    kept = {name: value for name, value in said.items() if name not in ("tool_calls", "function_call")}
    found = [call for call in calls if call is not None]
    return {**kept, "tool_calls": found} if found else kept


def _with_text(said: Body) -> Body:
    """Return the delta or message with a text instead of parts, and their thinking as reasoning."""
    thoughts, text = thoughts_and_text(said["content"])
    edited = {name: value for name, value in said.items() if name != "content"}
    if text:
        edited["content"] = text
    if thoughts:
        edited["reasoning_content"] = json_values.words(said.get("reasoning_content")) + thoughts
    return edited
