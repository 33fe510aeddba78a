"""Stages that change the text of an answer piece by piece, and hold back what is not certain yet."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from coderouter_proxy.answer import NO_CHANGES, Changes
from coderouter_proxy.config.schema import OutputFilter
from coderouter_proxy.relay.output_filters import Filters
from coderouter_proxy.relay.tool_calls.lookahead import TextualCall
from coderouter_proxy.relay.tool_calls.repair import Repairer

Piece: TypeAlias = str | TextualCall


@dataclass(frozen=True, slots=True)
class AnswerPolicy:
    """How the answers of one provider are changed."""

    filters: Sequence[OutputFilter] = ()
    reasoning_passthrough: bool = False
    origin: str = ""
    """Fingerprint of the provider, for state that has to come back; without one, none is kept."""


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
    def __init__(self, names: Sequence[OutputFilter]) -> None:
        self._filters = Filters(names)

    def changes(self) -> Changes:
        applied = self._filters.applied
        return Changes(filters=tuple(applied)) if applied else NO_CHANGES

    def feed(self, text: str) -> list[Piece]:
        return [kept] if (kept := self._filters.feed(text)) else []

    def end(self) -> list[Piece]:
        return [kept] if (kept := self._filters.end()) else []


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
        return self._repairer.feed(text)

    def end(self) -> list[Piece]:
        if self._repairer is None:
            return []
        pieces = self._repairer.end()
        self._repaired_before += self._repairer.count
        self._repairer = None
        return pieces


class Stages:
    """A pipeline of stages, each applied to the text that the previous one returns."""

    def __init__(self, stages: Sequence[TextStage]) -> None:
        self._stages = stages

    def __bool__(self) -> bool:
        return bool(self._stages)

    def changes(self) -> Changes:
        return sum((stage.changes() for stage in self._stages), NO_CHANGES)

    def feed(self, text: str) -> list[Piece]:
        return self._through([text] if text else [], self._stages)

    def end(self) -> list[Piece]:
        pieces: list[Piece] = []
        for number, stage in enumerate(self._stages, 1):
            pieces += self._through(stage.end(), self._stages[number:])
        return pieces

    def _through(self, pieces: list[Piece], stages: Sequence[TextStage]) -> list[Piece]:
        for stage in stages:
            pieces = [
                new
                for piece in pieces
                for new in (stage.feed(piece) if isinstance(piece, str) else [*stage.end(), piece])
            ]
        return pieces


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"
