"""Relay an answer on the client's own wire: its bytes, except chunks that an edit changes."""

from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from coderouter_proxy.answer import NO_CHANGES, Changes, Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires.provider import ProviderWire


class Edit(Protocol):
    """Changes chunks of one wire; a chunk that it returns unchanged is not encoded again."""

    def changes(self) -> Changes:
        """Return what has been changed so far."""
        ...

    def concerns(self, events: bytes) -> bool:
        """Return, without parsing them, whether these events may contain anything to change."""
        ...

    def chunk(self, chunk: Body, *, first: bool) -> list[Body]:
        """Return the chunks to send in its place; `first` means that the client has received nothing yet."""
        ...

    def end(self) -> list[Body]:
        """Return what was held back, at the end of the stream."""
        ...

    def whole(self, decoded: Body) -> Body:
        """Return the complete answer to send."""
        ...


class FirstEdit(Edit, Protocol):
    """Writes an answer as its wire specifies it, so that it sees every tool call."""

    def calls(self) -> int:
        """Return how many tool calls of the provider have begun."""
        ...


Edits = tuple[FirstEdit, *tuple[Edit, ...]]


class Edited:
    """Applies edits in order; what none of them changes is passed through."""

    def __init__(
        self, wire: ProviderWire, edits: Callable[[], Edits], *, passes_plain_whole: bool = False
    ) -> None:
        """`edits` are created when first needed; a plain whole answer needs them only if one of them is for texts."""
        self._wire = wire
        self._make_edits = edits
        self._made: Edits | None = None
        self._passes_plain_whole = passes_plain_whole
        self._first = True

    @property
    def _edits(self) -> Edits:
        if self._made is None:
            self._made = self._make_edits()
        return self._made

    def changes(self) -> Changes:
        changes = NO_CHANGES
        for edit in self._made or ():
            if (made := edit.changes()) is not NO_CHANGES:  # hardly ever
                changes += made
        return changes

    def calls(self) -> int:
        return 0 if self._made is None else self._made[0].calls() + self.changes().repaired

    def concerns(self, events: bytes) -> bool:
        for edit in reversed(self._made or self._edits):  # those that read every event are last
            if edit.concerns(events):
                return True
        self._first = False
        return False

    def chunk(self, event: bytes, chunk: Body) -> bytes:
        chunks = self._through([chunk], self._edits)
        if len(chunks) == 1 and chunks[0] is chunk:
            sent = event
        else:
            sent = b"".join([event if each is chunk else self._wire.event(each) for each in chunks])
        self._first = self._first and not sent
        return sent

    def comment(self, event: bytes) -> bytes:
        return event

    def last(self, event: bytes) -> bytes:
        return self._held_back() + event

    def end(self, usage: Usage, *, ended: bool) -> bytes:
        return b"" if ended else self._held_back() + self._wire.end_event

    def whole(self, body: bytes, decoded: Body, usage: Usage) -> bytes:
        if self._passes_plain_whole and self._wire.is_plain_whole(decoded):
            return body
        edited = decoded
        for edit in self._edits:
            edited = edit.whole(edited)
        return body if edited is decoded else orjson.dumps(edited)

    def _held_back(self) -> bytes:
        chunks: list[Body] = []
        for number, edit in enumerate(self._edits, 1):
            chunks += self._through(edit.end(), self._edits[number:])
        return b"".join(map(self._wire.event, chunks))

    def _through(self, chunks: list[Body], edits: Sequence[Edit]) -> list[Body]:
        for edit in edits:
            if len(chunks) == 1:  # nearly always
                chunks = edit.chunk(chunks[0], first=self._first)
            else:
                chunks = [new for chunk in chunks for new in edit.chunk(chunk, first=self._first)]
        return chunks
