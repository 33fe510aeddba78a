"""Read an answer on the OpenAI wire into deltas, also from servers that deviate from OpenAI."""

from typing import Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, state
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
from coderouter_proxy.wires.openai import finish
from coderouter_proxy.wires.openai.calls import Call, Calls
from coderouter_proxy.wires.openai.content import thoughts_and_text
from coderouter_proxy.wires.openai.shape import choices, first_choice

_CUT: Final = ("max_tokens", "content_filter")
"""Reasons that stay: some servers say "stop" behind them."""
NO_REASONING: Final = frozenset({"role", "content", "refusal", "tool_calls", "function_call"})
_OTHER_REASONING: Final = ("reasoning_text", "thinking")
"""Fields of GitHub Copilot and Ollama."""


class OpenAIReader(Reader):
    """Turns chunks into deltas; a whole completion is read as one chunk.

    Tolerates tool calls with no index, with no id, all in one chunk, interleaved, and with arguments that repeat what
    was sent before. Interleaved calls are put in sequence: the first one is passed on live, the others when they are
    complete or the answer ends.
    """

    def __init__(self) -> None:
        self.stop = Stop()
        self._calls = Calls()
        self._live: Call | None = None  # the call that is passed on live
        self._later: list[Delta] = []
        self._has_deltas = False
        self._number: object = None  # of the choice that is read, from a server that does not begin with 0

    def read(self, chunk: Body) -> list[Delta]:
        """Return what the chunk adds to the answer."""
        choice = first_choice(chunk) or self._numbered(chunk)
        if choice is None:  # one of several answers, and not the first
            return []
        if choice.get("finish_reason") and (reason := finish.of(choice)):
            if self.stop.reason not in _CUT:
                self.stop.reason = ANTHROPIC_STOPS[reason]
            self._matched(choice.get("stop_reason"))
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and delta:
            if not self._has_deltas:
                self._has_deltas = any(delta.values())
            return self._delta(delta)
        if isinstance(message, dict):  # also at the end of a stream, with all that it said
            return [] if self._has_deltas else self._delta(message, whole=True)
        return [Text(text)] if (text := json_values.words(choice.get("text"))) else []

    def end(self) -> list[Delta]:
        """Return what was held back until the end. Call it once; then `stop` is final."""
        deltas: list[Delta] = []
        for call in self._calls:
            deltas += self._rest(call)
        deltas += self._later
        if self._calls.begun and self.stop.reason in (None, "end_turn", "stop_sequence"):
            self.stop = Stop("tool_use")  # some servers say "stop" with calls present
        elif not self._calls.begun and self.stop.reason == "tool_use":
            self.stop = Stop("end_turn")  # and others "tool_calls" without any
        return deltas

    def _numbered(self, chunk: Body) -> Body | None:
        """Return the choice whose number was the first of the answer, from a server that counts from 1."""
        found = choices(chunk)
        if self._number is None and not self._has_deltas and found:
            self._number = found[0].get("index")
        return next((choice for choice in found if choice.get("index") == self._number), None)

    def _matched(self, sequence: object) -> None:
        """vLLM names the stop sequence that matched; OpenAI does not."""
        if isinstance(sequence, str) and self.stop.reason == "end_turn":
            self.stop.reason, self.stop.sequence = "stop_sequence", sequence

    def _delta(self, delta: Body, *, whole: bool = False) -> list[Delta]:
        deltas = _opaque(delta)
        if not NO_REASONING.issuperset(delta) and (thought := thought_in(delta)):
            deltas.append(thought)
        if content := delta.get("content"):
            thoughts, text = thoughts_and_text(content)
            deltas += [Thinking(thoughts)] if thoughts else []
            deltas += [Text(text)] if text else []
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            deltas.append(Text(refusal))
        if deltas and self._live is not None:
            if self._live.arguments.is_complete():
                self._live.over = True
                deltas, self._later = [*self._later, *deltas], []
            else:
                self._later += deltas  # text between the arguments of a call would split it
                deltas = []
        calls = delta.get("tool_calls")
        if calls:
            for piece in calls if isinstance(calls, list) else [calls]:
                if isinstance(piece, dict):
                    deltas += self._call(piece, whole=whole)
        elif isinstance(function := delta.get("function_call"), dict):
            deltas += self._call({"index": 0, "function": function}, whole=whole)
        return deltas

    def _call(self, piece: Body, *, whole: bool) -> list[Delta]:
        call, live = self._calls.read(piece, whole=whole), self._live
        if live is call:
            return self._news(call)
        if call.begun or not (live is None or live.over or live.arguments.is_complete()):
            return []
        self._live = call
        return [*(self._rest(live) if live is not None else []), *self._news(call)]

    def _news(self, call: Call) -> list[Delta]:
        """Return what is new of the call; nothing until it has a name."""
        deltas: list[Delta] = []
        if call.over or not call.name:
            return deltas
        if not call.begun:
            self._calls.begin(call)
            deltas.append(ToolCall(call.id, call.name, call.extra))
        if arguments := call.arguments.take():
            deltas.append(Arguments(arguments))
        return deltas

    def _rest(self, call: Call) -> list[Delta]:
        deltas = self._news(call)
        call.over = True
        return deltas


def thought_in(delta: Body) -> Thinking | None:
    """Return the reasoning of a message or a delta, which several fields may repeat."""
    for field in state.REASONING:
        if text := json_values.words(delta.get(field)):
            return Thinking(text, field)
    for field in _OTHER_REASONING:
        if text := json_values.words(delta.get(field)):
            return Thinking(text)
    details = delta.get("reasoning_details")
    parts = [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []
    said = [json_values.words(part.get("text")) or json_values.words(part.get("summary")) for part in parts]
    return Thinking("".join(said)) if any(said) else None


def _opaque(delta: Body) -> list[Delta]:
    """Return the state of the turn: OpenRouter's, and Gemini's where it is not about a call."""
    opaque: list[Delta] = []
    if isinstance(details := delta.get("reasoning_details"), list) and details:
        opaque.append(Opaque("reasoning_details", details))
    if isinstance(extra := delta.get("extra_content"), dict) and extra:
        opaque.append(Opaque("extra_content", extra))
    return opaque
