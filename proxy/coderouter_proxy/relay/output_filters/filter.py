"""What a filter is, and what it makes of a text."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Thought:
    """Thinking that a filter took out of a text."""

    text: str


Filtered: TypeAlias = list[str | Thought]


class Filter(Protocol):
    """Changes a text that arrives in pieces; where it is split does not affect the result."""

    changed: bool

    def feed(self, text: str) -> Filtered:
        """Return the part of the result that is certain by now."""
        ...

    def end(self) -> Filtered:
        """Return what was held back; the next piece starts a new text."""
        ...


class Edges:
    """Drops white space at the edges of a text where something was cut out, and holds it back until that is known."""

    def __init__(self) -> None:
        self._blank: list[str] = []
        self._has_begun = False
        self._was_cut = False

    def add(self, text: str) -> str:
        """Return what is certain by now."""
        begun = text.lstrip()
        if not begun:
            self._blank.append(text)
            return ""
        kept = begun.rstrip()
        start = "" if self._was_cut and not self._has_begun else "".join(self._blank) + text[: -len(begun)]
        self._blank = [begun[len(kept) :]]
        self._has_begun, self._was_cut = True, False
        return start + kept

    def cut(self) -> None:
        """Note that something was cut out here."""
        self._was_cut = True

    def end(self) -> str:
        """Return what was held back; a new text starts then."""
        rest = "" if self._was_cut else "".join(self._blank)
        self._blank, self._has_begun, self._was_cut = [], False, False
        return rest
