"""Ways to hand over an answer on the client's own wire: as it is, or with text in it changed."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import orjson

from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import OutputFilter
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.relay.output_filters import Filters
from coderouter_proxy.relay.text_edits import TextEdits, new_call_id
from coderouter_proxy.relay.tool_calls.repair import TextualCall
from coderouter_proxy.request import Body
from coderouter_proxy.wires import sse
from coderouter_proxy.wires.provider import ProviderWire

REASONING = ("reasoning", "reasoning_content")


class Carrier(ABC):
    """Takes what a provider says and returns what its client gets; usage and stop reason go into the answer."""

    done = False  # the provider has said that this was all

    def __init__(self, dialect: ProviderWire, answer: Answer) -> None:
        self._dialect = dialect
        self._answer = answer

    def feed(self, whole: bytes) -> tuple[bytes, ProviderError | None]:
        """Return what the client gets for these events, and the failure that ends them."""
        kept: list[bytes] = []
        for event, data in sse.split(whole):
            if not data:
                kept.append(self._remark(event))
            elif self._dialect.ends(data):
                self.done = True
                kept.append(self._last(event))
                break
            else:
                try:
                    chunk = self._dialect.decoded(data)
                except ProviderError as failure:
                    return b"".join(kept), failure
                self._dialect.note(self._answer, chunk)
                kept.append(self._carry(event, chunk))
        return b"".join(kept), None

    @abstractmethod
    def whole(self, body: bytes, decoded: Body) -> bytes:
        """Return the whole answer as its client gets it."""

    @abstractmethod
    def end(self) -> bytes:
        """Return what the client gets when the stream is over."""

    @abstractmethod
    def _carry(self, event: bytes, chunk: Body) -> bytes: ...

    @abstractmethod
    def _remark(self, event: bytes) -> bytes:
        """Return what the client gets for an event that says nothing."""

    def _last(self, event: bytes) -> bytes:
        """Return what the client gets for the event that only says that this was all."""
        return self._remark(event)


class AsItIs(Carrier):
    """Bytes pass, and only events that tell something, or may be garbage, are read."""

    def feed(self, whole: bytes) -> tuple[bytes, ProviderError | None]:
        if self._dialect.tells(whole) or sse.may_be_no_json(whole):
            return super().feed(whole)
        return whole, None

    def whole(self, body: bytes, decoded: Body) -> bytes:
        return body

    def end(self) -> bytes:
        return b"" if self.done else self._dialect.end

    def _carry(self, event: bytes, chunk: Body) -> bytes:
        return event

    def _remark(self, event: bytes) -> bytes:
        return event


class FilteredAnthropic(AsItIs):
    """The Anthropic wire with its text filtered; all that is no text passes as it is."""

    def __init__(self, dialect: ProviderWire, answer: Answer, filters: Sequence[OutputFilter]) -> None:
        super().__init__(dialect, answer)
        self._filters = Filters(filters)

    def feed(self, whole: bytes) -> tuple[bytes, ProviderError | None]:
        return Carrier.feed(self, whole)

    def whole(self, body: bytes, decoded: Body) -> bytes:
        for block in decoded["content"]:
            if isinstance(block, dict) and isinstance(text := block.get("text"), str):
                block["text"] = self._filters.feed(text) + self._filters.end()
        self._answer.filtered = self._filters.applied
        return orjson.dumps(decoded) if self._answer.filtered else body

    def _carry(self, event: bytes, chunk: Body) -> bytes:
        kind = chunk.get("type")
        delta = chunk.get("delta")
        if (
            kind == "content_block_delta"
            and isinstance(delta, dict)
            and isinstance(text := delta.get("text"), str)
        ):
            kept = self._filters.feed(text)
            self._answer.filtered = self._filters.applied
            return event if kept == text else self._text(chunk.get("index"), kept)
        if kind == "content_block_stop":
            return self._text(chunk.get("index"), self._filters.end()) + event
        return event

    def _text(self, index: object, text: str) -> bytes:
        if not text:
            return b""
        said = {"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}
        return b"event: content_block_delta\ndata: %b\n\n" % orjson.dumps(said)


class AsItIsOpenAI(AsItIs):
    """The OpenAI wire, without what the client did not ask for: a chunk with the usage, fields with reasoning."""

    def __init__(self, dialect: ProviderWire, answer: Answer, *, hide_usage: bool, reasoning: bool) -> None:
        super().__init__(dialect, answer)
        self._hide_usage = hide_usage
        self._reasoning = reasoning
        self._begun = False

    def feed(self, whole: bytes) -> tuple[bytes, ProviderError | None]:
        if not self._reasoning and b'"reasoning' in whole:
            return Carrier.feed(self, whole)
        self._begun = True
        return super().feed(whole)

    def whole(self, body: bytes, decoded: Body) -> bytes:
        stripped = [self._strip(choice.get("message")) for choice in _choices(decoded)]
        return orjson.dumps(decoded) if any(stripped) else body

    def _carry(self, event: bytes, chunk: Body) -> bytes:
        choices = _choices(chunk)
        if self._hide_usage and chunk.get("usage") and not choices:
            return b""
        stripped = [self._strip(choice.get("delta")) for choice in choices]
        if any(stripped) and not chunk.get("usage") and not any(map(self._tells_more, choices)):
            return b""
        self._begun = True
        return b"data: %b\n\n" % orjson.dumps(chunk) if any(stripped) else event

    def _tells_more(self, choice: Body) -> bool:
        """Return whether a choice is worth sending without its reasoning; a role is, in the first chunk."""
        delta = choice.get("delta")
        told = delta if isinstance(delta, dict) else {}
        return bool(choice.get("finish_reason")) or any(
            value and not (name == "role" and self._begun) for name, value in told.items()
        )

    def _strip(self, said: object) -> bool:
        """Take the reasoning out of a message or delta; return whether there was any."""
        if self._reasoning or not isinstance(said, dict):
            return False
        found = [said.pop(name) for name in REASONING if name in said]
        if any(found):
            self._answer.stripped = ["reasoning"]
        return bool(found)


class ReworkedOpenAI(AsItIsOpenAI):
    """The OpenAI wire with its text filtered and textual tool calls made real; untouched chunks pass as they are."""

    def __init__(
        self, dialect: ProviderWire, answer: Answer, rework: TextEdits, *, hide_usage: bool, reasoning: bool
    ) -> None:
        super().__init__(dialect, answer, hide_usage=hide_usage, reasoning=reasoning)
        self._rework = rework
        self._real_calls = 0
        self._chunk: Body = {}

    def feed(self, whole: bytes) -> tuple[bytes, ProviderError | None]:
        return Carrier.feed(self, whole)

    def whole(self, body: bytes, decoded: Body) -> bytes:
        body = super().whole(body, decoded)
        choice = decoded["choices"][0]
        message = choice.get("message")
        if not isinstance(message, dict) or not isinstance(content := message.get("content"), str):
            return body
        pieces = [*self._rework.feed(content), *self._rework.end()]
        if pieces == [content]:
            return body
        calls = [piece for piece in pieces if isinstance(piece, TextualCall)]
        message["content"] = "".join(piece for piece in pieces if isinstance(piece, str))
        if calls:
            message["content"] = message["content"].strip() or None
            message["tool_calls"] = [*(message.get("tool_calls") or []), *map(_call, calls)]
            choice["finish_reason"] = "tool_calls"
        return orjson.dumps(decoded)

    def end(self) -> bytes:
        return b"" if self.done else self._rest() + self._dialect.end

    def _last(self, event: bytes) -> bytes:
        return self._rest() + event

    def _rest(self) -> bytes:
        """Return what is held back of a stream that ended without a finish_reason."""
        return self._said(self._chunk, {"index": 0}, self._rework.end()) if self._chunk else b""

    def _carry(self, event: bytes, chunk: Body) -> bytes:
        carried = super()._carry(event, chunk)
        choices = _choices(chunk)
        if not carried or len(choices) != 1 or _index(choices[0]) != 0:
            return carried  # of several answers only the first is reworked, as in whole()
        self._chunk = chunk
        choice = choices[0]
        given = choice.get("delta")
        delta: Body = given if isinstance(given, dict) else {}
        content = delta.get("content")
        pieces = self._rework.feed(content) if isinstance(content, str) and content else []
        if isinstance(calls := delta.get("tool_calls"), list) and calls:
            pieces += self._rework.end()
            self._real_calls = max(self._real_calls, *(_index(call) + 1 for call in calls))
        if choice.get("finish_reason"):
            pieces += self._rework.end()
            if self._answer.repaired:
                choice["finish_reason"] = "tool_calls"
        elif pieces == [content] or not (content or pieces):
            return carried
        rest = {name: value for name, value in delta.items() if name != "content"}
        said = self._said(chunk, choice, pieces)
        if choice.get("finish_reason") or any(rest.values()):
            said += _chunk(chunk, {**choice, "delta": rest})
        return said

    def _said(self, chunk: Body, choice: Body, pieces: list[str | TextualCall]) -> bytes:
        """Return a chunk for each of the pieces."""
        parts: list[bytes] = []
        without_usage = {name: value for name, value in chunk.items() if name != "usage"}
        for piece in pieces:
            if isinstance(piece, str):
                delta: Body = {"content": piece}
            else:
                delta = {"tool_calls": [{"index": self._real_calls, **_call(piece)}]}
                self._real_calls += 1
            parts.append(_chunk(without_usage, {**choice, "delta": delta, "finish_reason": None}))
        return b"".join(parts)


def _chunk(chunk: Body, choice: Body) -> bytes:
    return b"data: %b\n\n" % orjson.dumps({**chunk, "choices": [choice]})


def _call(call: TextualCall) -> dict[str, Any]:
    return {
        "id": new_call_id(),
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _index(call: object) -> int:
    index = call.get("index") if isinstance(call, dict) else None
    return index if isinstance(index, int) else 0


def _choices(chunk: Body) -> list[Body]:
    choices = chunk.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
