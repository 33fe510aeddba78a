"""Edits of messages and their streams."""

from collections.abc import Iterable
from typing import Any

from coderouter_proxy.answer import Changes
from coderouter_proxy.relay.output_filters.filter import Thought
from coderouter_proxy.relay.text import Piece, Stages
from coderouter_proxy.relay.tool_calls.lookahead import TextualCall
from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values, state
from coderouter_proxy.wires.ids import new_id

_TEXT: Body = {"type": "text", "text": ""}
_THINKING: Body = {"type": "thinking", "thinking": "", "signature": ""}


class EditText:
    """Changes the text of text blocks. Thinking and tool calls in it become blocks of their own.

    So one block may become several, or none, and blocks are numbered again.
    """

    def __init__(self, stages: Stages, origin: str) -> None:
        """`origin` names the provider in the signatures of thinking; see `AnswerPolicy`."""
        self._stages = stages
        self._origin = origin
        self._blocks = _Blocks(origin)

    def changes(self) -> Changes:
        return self._stages.changes()

    def concerns(self, events: bytes) -> bool:
        return True

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        match chunk.get("type"):
            case "content_block_start":
                return self._start(chunk)
            case "content_block_delta":
                return self._delta(chunk)
            case "content_block_stop":
                return [*self._written(self._stages.end()), *self._blocks.stop(chunk)]
            case "message_delta":
                return [*self.end(), self._stopped(chunk, "delta")]
            case "message_stop":
                return [*self.end(), chunk]
        return [chunk]

    def end(self) -> list[Body]:
        """Return what was held back, if the provider does not end its last block."""
        return [*self._written(self._stages.end()), *self._blocks.close()]

    def whole(self, decoded: Body) -> Body:
        blocks = [new for block in decoded["content"] for new in self._edited(block)]
        same = len(blocks) == len(decoded["content"]) and all(map(_is, blocks, decoded["content"]))
        return decoded if same else self._stopped({**decoded, "content": blocks}, None)

    def _start(self, chunk: Body) -> list[Body]:
        block = chunk.get("content_block")
        if not isinstance(block, dict) or block.get("type") != "text":
            return [*self.end(), *self._blocks.start(chunk)]
        self._blocks.begin_text(block)
        text = block.get("text")
        return self._written(self._stages.feed(text)) if isinstance(text, str) and text else []

    def _delta(self, chunk: Body) -> list[Body]:
        delta: Any = chunk.get("delta")
        is_text = isinstance(delta, dict) and delta.get("type") == "text_delta"
        text = delta.get("text") if is_text else None
        if not isinstance(text, str):
            return self._blocks.numbered(chunk)
        pieces = self._stages.feed(text)
        if pieces == [text] and self._blocks.continues_text(chunk):
            return [chunk]
        return self._written(pieces)

    def _written(self, pieces: Iterable[Piece]) -> list[Body]:
        return [event for piece in pieces for event in self._blocks.write(piece)]

    def _edited(self, block: Any) -> list[Any]:  # noqa: ANN401 - of a provider
        """Return the blocks of a complete answer that one of the provider becomes."""
        if not isinstance(block, dict) or not isinstance(text := block.get("text"), str):
            self._stages.end()
            return [block]
        pieces = self._stages.whole(text)
        return [block] if pieces == [text] and text.strip() else _blocks(pieces, block, self._origin)

    def _stopped(self, answer: Body, name: str | None) -> Body:
        """Return the answer with `tool_use` as the stop reason if calls were repaired; in the field `name`, if any."""
        if not self.changes().repaired:
            return answer
        if name is None:
            return {**answer, "stop_reason": "tool_use"}
        reason = answer.get(name)
        return {**answer, name: {**(reason if isinstance(reason, dict) else {}), "stop_reason": "tool_use"}}


class _Blocks:
    """Writes the events of blocks, numbered in the order in which they start.

    A block of text starts with its first words: Anthropic rejects blank blocks in later requests.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._next = 0
        self._numbers: dict[object, int] = {}
        """Our numbers of the provider's open blocks other than text, by the provider's numbers."""
        self._text = _TEXT
        """The provider's newest block of text, empty."""
        self._blank = ""
        self._open = ""
        """The type of the block that was started here and not stopped."""
        self._thoughts: list[str] = []

    def start(self, chunk: Body) -> list[Body]:
        """Return the start of a block of the provider other than text."""
        self._numbers[_index(chunk)] = self._next
        self._next += 1
        self._blank = ""
        return self.numbered(chunk)

    def stop(self, chunk: Body) -> list[Body]:
        """Return the end of a block of the provider."""
        if _index(chunk) not in self._numbers:
            return self.close()
        stopped = self.numbered(chunk)
        del self._numbers[_index(chunk)]
        return stopped

    def numbered(self, chunk: Body) -> list[Body]:
        """Return an event of a block as it is, apart from its number; of a text, its block has to be open."""
        number = self._numbers.get(_index(chunk))
        started = self._enter("text", self._text) if number is None else []
        number = self._next - 1 if number is None else number
        return [*started, chunk if number == chunk.get("index") else {**chunk, "index": number}]

    def begin_text(self, block: Body) -> None:
        self._text = {**block, "text": ""}
        self._blank = ""

    def continues_text(self, chunk: Body) -> bool:
        return self._open == "text" and chunk.get("index") == self._next - 1

    def write(self, piece: Piece) -> list[Body]:
        match piece:
            case str() if self._open != "text" and not piece.strip():
                self._blank += piece
                return []
            case str():
                started = self._enter("text", self._text)
                words, self._blank = self._blank + piece, ""
                return [*started, self._delta({"type": "text_delta", "text": words})]
            case Thought():
                started = self._enter("thinking", _THINKING)
                self._thoughts.append(piece.text)
                return [*started, self._delta({"type": "thinking_delta", "thinking": piece.text})]
            case TextualCall():
                started = self._enter("tool_use", {**_call(piece), "input": {}})
                arguments = {"type": "input_json_delta", "partial_json": piece.arguments}
                return [*started, self._delta(arguments), *self.close()]

    def close(self) -> list[Body]:
        """Return the end of the block that is open."""
        if not self._open:
            return []
        signed = self._signed() if self._open == "thinking" else []
        self._open = ""
        return [*signed, {"type": "content_block_stop", "index": self._next - 1}]

    def _enter(self, kind: str, block: Body) -> list[Body]:
        if self._open == kind:
            return []
        closed = self.close()
        self._open = kind
        self._next += 1
        if kind != "text":
            self._blank = ""
        return [*closed, {"type": "content_block_start", "index": self._next - 1, "content_block": block}]

    def _delta(self, delta: Body) -> Body:
        return {"type": "content_block_delta", "index": self._next - 1, "delta": delta}

    def _signed(self) -> list[Body]:
        thinking, self._thoughts = "".join(self._thoughts), []
        signature = _signature(self._origin, thinking)
        return [self._delta({"type": "signature_delta", "signature": signature})] if signature else []


def _blocks(pieces: list[Piece], text_block: Body, origin: str) -> list[Body]:
    """Return the blocks of a complete answer for the pieces of a text."""
    blocks: list[Body] = []
    for piece in pieces:
        match piece:
            case str():
                if piece.strip():
                    blocks.append({**text_block, "text": piece})
            case Thought():
                signature = _signature(origin, piece.text)
                blocks.append({**_THINKING, "thinking": piece.text, "signature": signature})
            case TextualCall():
                blocks.append({**_call(piece), "input": json_values.arguments(piece.arguments)})
    return blocks


def _call(call: TextualCall) -> Body:
    return {"type": "tool_use", "id": new_id("call_"), "name": call.name}


def _signature(origin: str, thinking: str) -> str:
    """Return a signature of ours, which clients require of thinking; none without an origin."""
    return state.sign(origin, state.REASONING[0], thinking, {}) if origin else ""


def _index(chunk: Body) -> object:
    index = chunk.get("index")
    return index if isinstance(index, int) else None


def _is(one: object, other: object) -> bool:
    return one is other
