"""Stretches of an answer in which no call begins: thinking, code, objects that are not calls."""

import re
from collections.abc import Callable
from typing import Protocol

_OVERLAP = 256
_BRACKETS = re.compile(r"""["{}\[\]]""")
_IN_STRING = re.compile(r"""["\\\n]""")


class Skip(Protocol):
    def end(self, text: str, at: int, *, is_over: bool) -> tuple[int, bool]:
        """Return how far the text has been looked at, and whether the stretch ends there."""
        ...

    def ended(self) -> None:
        """Act on the end."""
        ...

    def unsure(self, text: str) -> int:
        """Return how many characters at the end of the text may not be part of the stretch."""
        ...


class Until:
    """Ends with a match of a pattern, which is shorter than the overlap; `then` is called with it."""

    def __init__(
        self,
        pattern: re.Pattern[str],
        then: Callable[[re.Match[str]], None] | None = None,
        begun: frozenset[str] = frozenset(),
    ) -> None:
        """`begun` is what a match may begin with if `then` takes it for the beginning of what follows."""
        self._pattern = pattern
        self._begun = begun
        self._begun_chars_max = max(map(len, begun), default=0)
        self._then = then
        self._found: re.Match[str] | None = None

    def end(self, text: str, at: int, *, is_over: bool) -> tuple[int, bool]:
        found = self._pattern.search(text, at)
        if found and (is_over or found.end() < len(text)):
            self._found = found
            return found.end(), True
        return max(at, len(text) - _OVERLAP), False

    def ended(self) -> None:
        if self._then and self._found:
            self._then(self._found)

    def unsure(self, text: str) -> int:
        return next((size for size in range(self._begun_chars_max, 0, -1) if text[-size:] in self._begun), 0)


class RestOfValue:
    """Ends with the bracket that closes the first one; a string ends with its line."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_in_string = False

    def end(self, text: str, at: int, *, is_over: bool) -> tuple[int, bool]:
        while found := (_IN_STRING if self._is_in_string else _BRACKETS).search(text, at):
            char, at = found[0], found.end()
            if char == "\\":
                if at == len(text):
                    return found.start(), False
                at += 1
            elif self._is_in_string or char == '"':
                self._is_in_string = not self._is_in_string
            else:
                self._depth += 1 if char in "{[" else -1
                if self._depth <= 0:
                    return at, True
        return len(text), False

    def ended(self) -> None:
        """The search for calls continues behind it."""

    def unsure(self, text: str) -> int:
        return 0
