"""The text of an answer from a position on, as far as it has arrived, and reading in it.

A reader is a plain function. It raises `Incomplete` where it needs text that has not arrived, and is called again
with more. Since it never looks past what has arrived, it does not matter where the chunks of a stream are split.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.skips import Skip

HELD_CHARS_MAX: Final = 256 * 1024
"""A call that is longer stays text."""

_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class TextualCall:
    """A tool call that was written as text; the arguments are the JSON text of an object."""

    name: str
    arguments: str


class Incomplete(Exception):
    """What comes next has not arrived."""


class NotACall(Exception):
    """The text is no call."""

    def __init__(self, at: int, skip: Skip | None = None) -> None:
        """Take where calls may begin again; with `skip`, not before that ends."""
        super().__init__()
        self.at = at
        self.skip = skip


class Literals:
    """Strings of which one may come next; the longest counts."""

    def __init__(self, literals: Iterable[str]) -> None:
        self.all = tuple(sorted({*literals}, key=len, reverse=True))
        self.pattern = re.compile("|".join(map(re.escape, self.all)))
        self.begun = frozenset(one[:size] for one in self.all for size in range(1, len(one)))
        self.chars_max = len(self.all[0])


class Lookahead:
    """Readers read at `at`, and nothing from `end` on. `is_over` means that the answer ends there."""

    __slots__ = ("at", "end", "is_over", "is_too_long", "text")

    def __init__(self, text: str, at: int, *, is_over: bool) -> None:
        self.text = text
        self.at = at
        self.end = min(len(text), at + HELD_CHARS_MAX)
        self.is_too_long = self.end < len(text)
        self.is_over = is_over and not self.is_too_long

    def unfinished(self) -> "Incomplete | NotACall":
        """Return what to raise where a reader needs text that is not there: it is too long, cut off, or may arrive."""
        return NotACall(self.end) if self.is_over or self.is_too_long else Incomplete()

    def refused(self) -> NotACall:
        return NotACall(self.at)

    def is_at_end(self, at: int) -> bool:
        """Return whether the answer ends at this position."""
        if at < self.end:
            return False
        if not self.is_over:
            raise self.unfinished()
        return True

    def peek(self) -> str:
        """Return the next character; nothing at the end of the answer."""
        return "" if self.is_at_end(self.at) else self.text[self.at]

    def skip_space(self) -> str:
        """Read white space and return the next character; nothing at the end of the answer."""
        self.at = self.space_end(self.at)
        return self.peek()

    def space_end(self, at: int) -> int:
        found = _SPACE.match(self.text, at, self.end)
        return found.end() if found else at

    def literal(self, literals: Literals) -> str:
        """Read one of the literals and return it; return nothing if there is none."""
        found = self.literal_at(literals, self.at)
        self.at += len(found)
        return found

    def literal_at(self, literals: Literals, at: int) -> str:
        rest = self.text[at : min(at + literals.chars_max, self.end)]
        if not self.is_over and (not rest or rest in literals.begun) and at + len(rest) == self.end:
            raise self.unfinished()
        found = literals.pattern.match(rest)
        return found[0] if found else ""

    def run(self, pattern: re.Pattern[str]) -> str:
        """Read what matches a pattern whose matches only get longer with more text."""
        found = pattern.match(self.text, self.at, self.end)
        end = found.end() if found else self.at
        if end == self.end and not self.is_over:
            raise self.unfinished()
        self.at = end
        return found[0] if found else ""

    def match_at(self, pattern: "regex.Pattern[str]", at: int) -> "regex.Match[str] | None":
        """Return the match at a position, of a pattern whose matches do not become longer with more text."""
        found = pattern.match(self.text, at, self.end, partial=not self.is_over)
        if found and found.partial:
            raise self.unfinished()
        return found

    def find(self, pattern: re.Pattern[str], chars_max: int) -> re.Match[str] | None:
        """Return the first match within so many characters."""
        end = min(self.at + chars_max, self.end)
        found = pattern.search(self.text, self.at, end)
        if end == self.end and not self.is_over and (not found or found.end() == end):
            raise self.unfinished()
        return found
