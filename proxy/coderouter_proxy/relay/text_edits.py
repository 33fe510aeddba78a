"""Change the text of an answer on its way: filters first, then tool calls that were written as text."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import OutputFilter
from coderouter_proxy.relay.output_filters import Filters
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.wires.deltas import Arguments, Delta, Text, ToolCall


@dataclass(frozen=True)
class AnswerPolicy:
    """What is done to the answers of one provider."""

    filters: Sequence[OutputFilter] = ()
    reasoning_passthrough: bool = False


class TextEdits:
    """Takes text piece by piece; what it did is put into the answer."""

    def __init__(self, filters: Sequence[OutputFilter], tool_names: Collection[str], answer: Answer) -> None:
        self._filters = Filters(filters)
        self.works = bool(filters) or bool(tool_names)
        self._tool_names = tool_names
        self._repairer: Repairer | None = None  # of the text that has begun; behind a call begins another one
        self._repaired = 0  # in the texts before
        self._answer = answer

    def feed(self, text: str) -> list[str | TextualCall]:
        """Return what is decided by now."""
        text = self._filters.feed(text)
        self._answer.filtered = self._filters.applied
        return self._mended(text)

    def end(self) -> list[str | TextualCall]:
        """Return what was held back, at the end of a text."""
        pieces = self._mended(self._filters.end())
        if self._repairer is not None:
            pieces += self._repairer.end()
            self._repaired += self._repairer.count
            self._repairer = None
            self._answer.repaired = self._repaired
        return pieces

    def deltas(self, deltas: list[Delta]) -> list[Delta]:
        """Return the deltas with their text changed; whatever is no text ends the text before it."""
        if not self.works:
            return deltas
        changed: list[Delta] = []
        for delta in deltas:
            if isinstance(delta, Text):
                changed += _deltas(self.feed(delta.text))
            else:
                changed += _deltas(self.end())
                changed.append(delta)
        return changed

    def last_deltas(self) -> list[Delta]:
        return _deltas(self.end()) if self.works else []

    def _mended(self, text: str) -> list[str | TextualCall]:
        if not text:
            return []
        if not self._tool_names:
            return [text]
        if self._repairer is None:
            self._repairer = Repairer(self._tool_names)
        pieces = self._repairer.feed(text)
        self._answer.repaired = self._repaired + self._repairer.count
        return pieces


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"


def _deltas(pieces: list[str | TextualCall]) -> list[Delta]:
    deltas: list[Delta] = []
    for piece in pieces:
        if isinstance(piece, str):
            deltas.append(Text(piece))
        else:
            deltas += [ToolCall(new_call_id(), piece.name), Arguments(piece.arguments)]
    return deltas
