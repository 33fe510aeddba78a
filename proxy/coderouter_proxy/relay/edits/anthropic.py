"""Edits of messages and their streams."""

from typing import Any

from coderouter_proxy.answer import Changes
from coderouter_proxy.relay.text import Stages
from coderouter_proxy.request import Body


class EditText:
    """Changes the text of text blocks and nothing else. Its stages must not create tool calls."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def changes(self) -> Changes:
        return self._stages.changes()

    def concerns(self, events: bytes) -> bool:
        return True

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        kind, delta = chunk.get("type"), chunk.get("delta")
        if kind == "content_block_stop":
            return [*self._text(chunk.get("index"), _joined(self._stages.end())), chunk]
        text = delta.get("text") if isinstance(delta, dict) else None
        if kind != "content_block_delta" or not isinstance(text, str):
            return [chunk]
        kept = _joined(self._stages.feed(text))
        return [chunk] if kept == text else self._text(chunk.get("index"), kept)

    def end(self) -> list[Body]:
        return []

    def whole(self, decoded: Body) -> Body:
        blocks = [self._edited(block) for block in decoded["content"]]
        return {**decoded, "content": blocks} if self.changes().filters else decoded

    def _edited(self, block: Any) -> Any:  # noqa: ANN401 - of a provider
        if not isinstance(block, dict) or not isinstance(text := block.get("text"), str):
            return block
        return {**block, "text": _joined([*self._stages.feed(text), *self._stages.end()])}

    def _text(self, index: object, text: str) -> list[Body]:
        delta = {"type": "text_delta", "text": text}
        return [{"type": "content_block_delta", "index": index, "delta": delta}] if text else []


def _joined(pieces: list[Any]) -> str:
    return "".join(pieces)
