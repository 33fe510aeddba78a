"""The text of an answer as it comes in: passed on at once, except what may still become tool calls.

What reads it are generators: they pause where they need more text, so no character is read twice and where
the chunks of a stream are cut makes no difference.
"""

import re
from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

HELD_CHARS_MAX = 256 * 1024
_BLANK_CHARS_MAX = 64

_SPACE = re.compile(r"\s*")

T = TypeVar("T")
Parser: TypeAlias = Generator[None, None, T]


@dataclass(frozen=True, slots=True)
class TextualCall:
    """A tool call that was written as text; the arguments are the JSON text of an object."""

    name: str
    arguments: str


class NotAToolCall(Exception):
    """What stands at `LookaheadBuffer.at` cannot belong to a call."""


class LookaheadBuffer:
    """Text is read at `at`. Positions stay valid while text is held; what was passed on is forgotten."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self.text = "\n"  # the answer begins like a line
        self.at = 0
        self.over = False
        self.fenced = False  # in a fence, what is no call ends with the fence and needs no further reading
        self.replaced = 0
        self._passed = 1  # all before this was passed on, replaced or dropped
        self._held: int | None = 1  # white space that begins an answer goes with a call that follows
        self._out: list[str | TextualCall] = []

    def add(self, text: str) -> None:
        if self._held is None:
            self._passed -= self.at
            self.text = self.text[self.at :] + text
            self.at = 0
        else:
            self.text += text

    def taken(self) -> list[str | TextualCall]:
        """Return what is decided by now, and forget it."""
        self._pass_until(len(self.text) if self._held is None else self._held)
        out, self._out = self._out, []
        return out

    def _pass_until(self, end: int) -> None:
        if end > self._passed:
            self._out.append(self.text[self._passed : end])
            self._passed = end

    def hold(self, start: int) -> None:
        """Hold the text from here on; an earlier hold stays if only white space lies between."""
        if not self.only_blank_is_held(start):
            self._held = start

    def only_blank_is_held(self, end: int) -> bool:
        held = self._held
        return held is not None and end - held <= _BLANK_CHARS_MAX and not self.text[held:end].strip()

    def release(self) -> None:
        self._held = None

    def give_up(self) -> None:
        """Pass on what is held, for it is no call; the reader goes on, to find where the thing ends.

        Raises:
            NotAToolCall: where the thing ends is known without reading it.
        """
        if self.fenced:
            raise NotAToolCall
        self.release()

    def replace(self, calls: Sequence[TextualCall]) -> bool:
        """Put the calls in the place of what is held, or pass that on if there are none; tell which."""
        if not calls or self._held is None or self.at - self._held > HELD_CHARS_MAX:
            return False
        self._pass_until(self._held)
        self._out += calls
        self.replaced += len(calls)
        self.drop()
        return True

    def drop(self) -> None:
        """Drop what is held and has been read."""
        self._passed = self.at
        self._held = None

    def since(self, start: int) -> str:
        """Return what was read since; nothing if it is no longer held."""
        return "" if self._held is None else self.text[start : self.at]

    def more(self) -> Parser[None]:
        """Wait for more text.

        Raises:
            NotAToolCall: there is none.
        """
        if self.over:
            raise NotAToolCall
        if self._held is not None and len(self.text) - self._held > HELD_CHARS_MAX:
            self.give_up()
        yield

    def skip(self, run: re.Pattern[str]) -> Parser[None]:
        """Go on to the first character that is not part of the run."""
        self.at = end_of(run, self.text, self.at)
        while self.at == len(self.text):
            yield from self.more()
            self.at = end_of(run, self.text, self.at)

    def skip_space(self) -> Parser[None]:
        """Go on to the next character that is not white space, or to the end of the answer."""
        self.at = end_of(_SPACE, self.text, self.at)
        while self.at == len(self.text) and not self.over:
            yield
            self.at = end_of(_SPACE, self.text, self.at)

    def peek(self) -> Parser[str]:
        """Return the next character that is not white space."""
        yield from self.skip(_SPACE)
        return self.text[self.at]

    def expect(self, chars: str) -> Parser[str]:
        """Read the next character that is not white space, which must be one of these."""
        char = yield from self.peek()
        if char not in chars:
            raise NotAToolCall
        self.at += 1
        return char

    def literal(self, literals: Sequence[str]) -> Parser[str]:
        """Read the one of these that stands here, or nothing."""
        was_held = self._held is not None
        while not (found := next((one for one in literals if self.text.startswith(one, self.at)), "")):
            rest = self.text[self.at : self.at + _BLANK_CHARS_MAX]
            if self.over or not any(one.startswith(rest) for one in literals):
                break
            if not was_held:
                self.hold(self.at)  # what is none of these may yet begin a call
            yield
        if not was_held:
            self.release()
        self.at += len(found)
        return found

    def until(self, end: str) -> Parser[str]:
        """Read up to and including `end`; return what stands before it."""
        start = self.at
        while (found := self.text.find(end, self.at)) < 0:
            self.at = max(self.at, len(self.text) - len(end) + 1)
            yield from self.more()
        self.at = found + len(end)
        return self.since(start)[: -len(end)]


def end_of(run: re.Pattern[str], text: str, start: int) -> int:
    found = run.match(text, start)
    return found.end() if found else start
