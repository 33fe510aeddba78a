"""State of a turn, collected from the pieces of an answer."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires import state

_TEXTS = ("text", "summary", "data")  # of OpenRouter's details; a stream cuts them in pieces


class CollectedState:
    """Collects until the next call or signature takes what there is."""

    def __init__(self) -> None:
        self.has_any = False
        self._texts: list[str] = []
        self._field = state.REASONING[0]
        self._details: list[Any] = []
        self._extra: Body = {}
        self._items: list[Any] = []
        self._blocks: list[Body] = []

    @property
    def has_reasoning(self) -> bool:
        return bool(self._texts)

    def add_reasoning(self, name: str, text: str) -> None:
        self.has_any = True
        self._field = name
        self._texts.append(text)

    def add_signature(self, signature: str) -> None:
        """Add Anthropic's signature of the reasoning so far."""
        block = {"type": "thinking", "thinking": "".join(self._texts), "signature": signature}
        self._texts = []
        self._add_block(block)

    def add_opaque(self, name: str, value: object) -> None:
        self.has_any = True
        if name == "redacted_thinking":
            self._add_block({"type": name, "data": value})
        elif name == "reasoning_details" and isinstance(value, list):
            self._details += value
        elif name == state.ITEMS and isinstance(value, list):
            self._items += value
        elif isinstance(value, dict):
            self._extra = value

    def signature(self, origin: str) -> str:
        """Return a signature of ours for the reasoning so far, which holds the rest, and forget all of it."""
        turn = self._of_turn()
        signature = state.sign(origin, self._field, "".join(self._texts), turn)
        self._forget()
        return signature

    def take(self, *, reasoning: bool) -> Body:
        """Return the state of the turn, with the reasoning or without it, and forget it."""
        turn = self._of_turn()
        if self._blocks:
            turn[state.THINKING] = self._blocks
        elif self._texts and reasoning and not self._items:
            turn[self._field] = "".join(self._texts)
        self._forget()
        return turn

    def _of_turn(self) -> Body:
        turn: Body = {}
        if self._details:
            turn["reasoning_details"] = list(_merged(self._details))
        if self._extra:
            turn["extra_content"] = self._extra
        if self._items:
            turn[state.ITEMS] = self._items
        return turn

    def _add_block(self, block: Body) -> None:
        self.has_any = True
        self._blocks.append(block)

    def _forget(self) -> None:
        self.has_any = False
        self._texts, self._details, self._extra, self._items, self._blocks = [], [], {}, [], []


def _merged(details: Iterable[Any]) -> Iterator[Any]:
    """Yield OpenRouter's details with those that a stream cut in pieces in one again."""
    for key, group in groupby(details, _kind_and_index):
        pieces = list(group)
        if key is None or len(pieces) == 1:
            yield from pieces
            continue
        merged: Body = {}
        for piece in pieces:
            merged |= {name: value for name, value in piece.items() if value is not None}
        for name in _TEXTS:
            texts = [text for piece in pieces if isinstance(text := piece.get(name), str)]
            if texts:
                merged[name] = "".join(texts)
        yield merged


def _kind_and_index(detail: object) -> tuple[str, int] | None:
    kind, index = (detail.get("type"), detail.get("index")) if isinstance(detail, dict) else (None, None)
    return (kind, index) if isinstance(kind, str) and isinstance(index, int) else None
