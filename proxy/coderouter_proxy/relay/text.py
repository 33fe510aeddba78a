"""Stages that change the text of an answer piece by piece, and hold back what is not certain yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol, TypeAlias

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.output_filters.filter import Thought
from coderouter_proxy.relay.output_filters.filters import FILTERS
from coderouter_proxy.relay.tool_calls.lookahead import TextualCall
from coderouter_proxy.relay.tool_calls.repair import Repairer

Piece: TypeAlias = str | TextualCall | Thought


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """How the answers of one provider are changed."""

    filters: Sequence[OutputFilter] = ()
    reasoning_passthrough: bool = False
    origin: str = ""
    """Fingerprint of the provider, for state that has to come back; without one, none is kept."""
    model: str = ""
    """The provider's model, for answers that are written here; empty where it gets the one that the client names."""
    repairs_text_calls: bool = True
    """Tool calls that its models write as text become real ones."""


class TextStage(Protocol):
    """Processes the texts of an answer; anything else in the answer ends a text."""

    def feed(self, text: str) -> list[Piece]:
        """Return the part of the result that is certain by now."""
        ...

    def end(self) -> list[Piece]:
        """Return what was held back, at the end of a text."""
        ...

    def changes(self) -> Changes:
        """Return what has been changed so far."""
        ...


class FilterText:
    def __init__(self, name: OutputFilter) -> None:
        self._name = name
        self._filter = FILTERS[name]()

    def changes(self) -> Changes:
        return Changes(filters=(self._name,)) if self._filter.changed else NO_CHANGES

    def feed(self, text: str) -> list[Piece]:
        return [*self._filter.feed(text)]

    def end(self) -> list[Piece]:
        return [*self._filter.end()]


class RepairToolCalls:
    def __init__(self, tools: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the JSON schemas of the request's tools by their names."""
        self._tools = tools
        self._repairer: Repairer | None = None  # of the current text; a call ends it
        self._repaired_before = 0

    def changes(self) -> Changes:
        repaired = self._repaired_before + (self._repairer.count if self._repairer else 0)
        return Changes(repaired=repaired) if repaired else NO_CHANGES

    def feed(self, text: str) -> list[Piece]:
        if self._repairer is None:
            self._repairer = Repairer(self._tools)
        return [*self._repairer.feed(text)]

    def end(self) -> list[Piece]:
        if self._repairer is None:
            return []
        pieces: list[Piece] = [*self._repairer.end()]
        self._repaired_before += self._repairer.count
        self._repairer = None
        return pieces


class Stages:
    """A pipeline of stages, each applied to the text that the previous one returns.

    `thoughts`: the client gets what is taken out as thinking.
    """

    def __init__(self, stages: Sequence[TextStage], *, thoughts: bool = True) -> None:
        self._stages = stages
        self._thoughts = thoughts

    def __bool__(self) -> bool:
        return bool(self._stages)

    def changes(self) -> Changes:
        return sum((stage.changes() for stage in self._stages), NO_CHANGES)

    def feed(self, text: str) -> list[Piece]:
        return self._shown(self._through([text] if text else [], self._stages))

    def end(self) -> list[Piece]:
        pieces: list[Piece] = []
        for number, stage in enumerate(self._stages, 1):
            pieces += self._through(stage.end(), self._stages[number:])
        return self._shown(pieces)

    def whole(self, text: str) -> list[Piece]:
        """Return the result for a complete text."""
        joined: list[Piece] = []
        for kind, pieces in groupby([*self.feed(text), *self.end()], type):
            if kind is str:
                joined.append("".join(piece for piece in pieces if isinstance(piece, str)))
            elif kind is Thought:
                joined.append(Thought("".join(piece.text for piece in pieces if isinstance(piece, Thought))))
            else:
                joined += pieces
        return joined

    def _shown(self, pieces: list[Piece]) -> list[Piece]:
        return pieces if self._thoughts else [piece for piece in pieces if not isinstance(piece, Thought)]

    def _through(self, pieces: list[Piece], stages: Sequence[TextStage]) -> list[Piece]:
        for stage in stages:
            pieces = [
                new
                for piece in pieces
                for new in (stage.feed(piece) if isinstance(piece, str) else [*stage.end(), piece])
            ]
        return pieces
