"""Edits of chat completions and their streams."""

from abc import ABC, abstractmethod
from operator import is_not
from typing import Any

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.relay.output_filters.filter import Thought
from coderouter_proxy.relay.text import Piece, Stages
from coderouter_proxy.relay.tool_calls.lookahead import TextualCall
from coderouter_proxy.request import Body
from coderouter_proxy.wires import state
from coderouter_proxy.wires.collected_state import CollectedState
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.openai.functions import finish_reason, with_function_call
from coderouter_proxy.wires.openai.shape import choices, first_choice, with_choice

REASONING = ("reasoning", "reasoning_content")


class _EditMessages(ABC):
    """Edits what is said in complete answers and in chunks, and needs no events but those that are parsed anyway."""

    def changes(self) -> Changes:
        return NO_CHANGES

    def concerns(self, events: bytes) -> bool:
        return False

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        return [self._edited(chunk, "delta")]

    def end(self) -> list[Body]:
        return []

    def whole(self, decoded: Body) -> Body:
        return self._edited(decoded, "message")

    @abstractmethod
    def _edited(self, answer: Body, name: str) -> Body:
        """Return the answer whose choices have a message or a delta of this name; the same object if it stays."""


class KeepState(_EditMessages):
    """Puts state that has to come back into the ids of calls, for clients that return nothing else.

    `returns_reasoning`: the client gets the reasoning, and sends it back by itself.
    """

    def __init__(self, origin: str, *, returns_reasoning: bool) -> None:
        self._origin = origin
        self._returns_reasoning = returns_reasoning
        self._collected = CollectedState()

    def concerns(self, events: bytes) -> bool:
        if b'"reasoning' in events:
            if not self._returns_reasoning or b'"reasoning_details"' in events:
                return True
            self._collected.has_any = True  # so that the next call names the provider
        return b'"extra_content"' in events  # every event with calls is parsed anyway

    def _edited(self, answer: Body, name: str) -> Body:
        choice = first_choice(answer)
        given = choice.get(name) if choice else None
        if choice is None or not isinstance(given, dict):
            return answer
        self._read(given)
        calls = given.get("tool_calls")
        if not isinstance(calls, list):
            return answer
        kept = list(map(self._identified, calls))
        if all(new is old for new, old in zip(kept, calls, strict=True)):
            return answer
        return with_choice(answer, choice, **{name: {**given, "tool_calls": kept}})

    def _read(self, given: Body) -> None:
        field = next((name for name in state.REASONING if given.get(name)), "")
        if isinstance(text := given.get(field), str):
            self._collected.add_reasoning(field, "" if self._returns_reasoning else text)
        for name in ("reasoning_details", "extra_content"):
            if value := given.get(name):
                self._collected.add_opaque(name, value)

    def _identified(self, call: Any) -> Any:  # noqa: ANN401 - of a provider
        if not isinstance(call, dict) or not isinstance(own := call.get("id"), str) or not own:
            return call
        extra = call.get("extra_content")
        if not extra and not self._collected.has_any:
            return call
        turn = self._collected.take(reasoning=not self._returns_reasoning)
        of_call = state.State(self._origin, {"extra_content": extra} if extra else {}, turn)
        return {**call, "id": state.encode_id(own, of_call)}


class HideUsage(_EditMessages):
    """Removes the chunk with the usage for a client that did not request it."""

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        return [] if chunk.get("usage") and not choices(chunk) else [chunk]

    def _edited(self, answer: Body, name: str) -> Body:
        return answer


class StripReasoning(_EditMessages):
    """Removes reasoning fields, which are not part of the wire, and chunks that contain nothing else."""

    def __init__(self) -> None:
        self._stripped_any = False

    def changes(self) -> Changes:
        return Changes(stripped=("reasoning",)) if self._stripped_any else NO_CHANGES

    def concerns(self, events: bytes) -> bool:
        return b'"reasoning' in events

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        edited = self._edited(chunk, "delta")
        if edited is chunk or chunk.get("usage"):
            return [edited]
        return [edited] if any(_has_more(choice, first=first) for choice in choices(edited)) else []

    def _edited(self, answer: Body, name: str) -> Body:
        found = answer.get("choices")
        if not isinstance(found, list):
            return answer
        kept = [self._stripped(choice, name) for choice in found]
        changed = any(new is not old for new, old in zip(kept, found, strict=True))
        return {**answer, "choices": kept} if changed else answer

    def _stripped(self, choice: Any, name: str) -> Any:  # noqa: ANN401 - of a provider
        inner = choice.get(name) if isinstance(choice, dict) else None
        if not isinstance(inner, dict) or not any(field in inner for field in REASONING):
            return choice
        if any(inner.get(field) for field in REASONING):
            self._stripped_any = True
        kept = {field: value for field, value in inner.items() if field not in REASONING}
        return {**choice, name: kept}


class WriteFunctionCall(_EditMessages):
    """Writes calls in the older form, for a client that knows no other."""

    def _edited(self, answer: Body, name: str) -> Body:
        return {**answer, "choices": [self._of_choice(choice, name) for choice in choices(answer)]}

    def _of_choice(self, choice: Body, name: str) -> Body:
        given = choice.get(name)
        said = with_function_call(given) if isinstance(given, dict) else given
        return {**choice, name: said, "finish_reason": finish_reason(choice.get("finish_reason"))}


class EditText:
    """Changes the text of the first choice, and turns text into tool calls.

    Text that precedes a tool call or a finish_reason is sent before it.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._numbers: dict[int, int] = {}  # of the provider's calls, for the client
        self._calls = 0
        self._newest: Body | None = None

    def changes(self) -> Changes:
        return self._stages.changes()

    def concerns(self, events: bytes) -> bool:
        return True

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        found = choices(chunk)
        if len(found) != 1 or _index(found[0]) != 0:
            return [chunk]
        self._newest = chunk
        choice = found[0]
        given = choice.get("delta")
        delta: Body = given if isinstance(given, dict) else {}
        if _reasons(delta) and (held := self._stages.end()):
            return [*self._chunks(chunk, choice, held), *self.chunk(chunk, first=first)]
        content = delta.get("content")
        pieces = self._stages.feed(content) if isinstance(content, str) and content else []
        calls, finish = delta.get("tool_calls"), choice.get("finish_reason")
        if calls or finish:
            pieces += self._stages.end()
        is_same = pieces == [content] or not (content or pieces)
        before = [] if is_same else self._chunks(chunk, choice, pieces)
        numbered = self._numbered(calls)  # behind those that were text
        if finish and self.changes().repaired:
            finish = "tool_calls"
        if is_same and numbered is calls and finish is choice.get("finish_reason"):
            return [chunk]
        edited = before or self._chunks(chunk, choice, pieces)
        rest = {name: value for name, value in delta.items() if name != "content"}
        if numbered is not calls:
            rest["tool_calls"] = numbered
        if finish or any(rest.values()):
            last = {**choice, "delta": rest}
            edited.append({**chunk, "choices": [{**last, "finish_reason": finish} if finish else last]})
        return edited

    def end(self) -> list[Body]:
        """Return what was held back, if the stream ended without a finish_reason."""
        return self._chunks(self._newest, {"index": 0}, self._stages.end()) if self._newest else []

    def whole(self, decoded: Body) -> Body:
        choice, *others = decoded["choices"]
        message = choice.get("message")
        if not isinstance(message, dict) or not isinstance(content := message.get("content"), str):
            return decoded
        if _reasons(message):
            self._stages.end()
        pieces = self._stages.whole(content)
        if pieces == [content]:
            return decoded
        calls = [piece for piece in pieces if isinstance(piece, TextualCall)]
        edited: Body = {**message, "content": "".join(piece for piece in pieces if isinstance(piece, str))}
        if thoughts := [piece.text for piece in pieces if isinstance(piece, Thought)]:
            edited["reasoning_content"] = "".join([message.get("reasoning_content") or "", *thoughts])
        if calls:
            edited["content"] = edited["content"].strip() or None
            edited["tool_calls"] = [*(message.get("tool_calls") or []), *map(_call, calls)]
            choice = {**choice, "finish_reason": "tool_calls"}
        return {**decoded, "choices": [{**choice, "message": edited}, *others]}

    def _numbered(self, calls: Any) -> Any:  # noqa: ANN401 - of a provider
        """Return the provider's calls, numbered together with those that were text; the same list if none changes."""
        if not isinstance(calls, list):
            return calls
        numbered = [self._with_number(call) for call in calls]
        return numbered if any(map(is_not, numbered, calls)) else calls

    def _with_number(self, call: Body) -> Body:
        index = _index(call)
        number = self._numbers.get(index)
        if number is None:
            number = self._numbers[index] = self._calls
            self._calls += 1
        return call if number == index else {**call, "index": number}

    def _chunks(self, chunk: Body, choice: Body, pieces: list[Piece]) -> list[Body]:
        """Return a chunk for each of the pieces."""
        chunks: list[Body] = []
        without_usage = {name: value for name, value in chunk.items() if name != "usage"}
        for piece in pieces:
            if isinstance(piece, str):
                delta: Body = {"content": piece}
            elif isinstance(piece, Thought):
                delta = {"reasoning_content": piece.text}
            else:
                delta = {"tool_calls": [{"index": self._calls, **_call(piece)}]}
                self._calls += 1
            edited = {**choice, "delta": delta, "finish_reason": None}
            chunks.append({**without_usage, "choices": [edited]})
        return chunks


def _has_more(choice: Body, *, first: bool) -> bool:
    """Return whether anything is left to send without reasoning; a role counts in the first chunk."""
    delta = choice.get("delta")
    fields = delta if isinstance(delta, dict) else {}
    return bool(choice.get("finish_reason")) or any(
        value and (name != "role" or first) for name, value in fields.items()
    )


def _reasons(fields: Body) -> bool:
    """Return whether there is reasoning in a field of its own, which ends a text."""
    return any(map(fields.get, REASONING))


def _call(call: TextualCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": new_id("call_"), "type": "function", "function": function}


def _index(call: object) -> int:
    index = call.get("index") if isinstance(call, dict) else None
    return index if isinstance(index, int) else 0
