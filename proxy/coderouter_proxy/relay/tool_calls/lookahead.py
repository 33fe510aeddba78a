"""A look-ahead buffer for the text of an answer: passes it on at once, except what may become tool calls.

Parsers are generators that pause when they need more text, so no character is read twice and it does not matter
where the chunks of a stream are split.
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
    """The text at `LookaheadBuffer.at` cannot be part of a call."""


class LookaheadBuffer:
    """Parsers read at `at`. Positions stay valid while text is held; text that was passed on is dropped."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self.text = "\n"  # the answer starts at the beginning of a line
        self.at = 0
        self.over = False
        self.fenced = False  # text in a fence that is not a call ends with the fence and needs no parsing
        self.replaced = 0
        self._passed = 1  # everything before this was passed on, replaced or dropped
        self._held: int | None = 1  # white space before the first call is dropped with it
        self._out: list[str | TextualCall] = []

    def add(self, text: str) -> None:
        if self._held is None:
            self._passed -= self.at
            self.text = self.text[self.at :] + text
            self.at = 0
        else:
            self.text += text

    def taken(self) -> list[str | TextualCall]:
        """Return what is certain by now, once."""
        self._pass_until(len(self.text) if self._held is None else self._held)
        out, self._out = self._out, []
        return out

    def _pass_until(self, end: int) -> None:
        if end > self._passed:
            self._out.append(self.text[self._passed : end])
            self._passed = end

    def hold(self, start: int) -> None:
        """Hold the text from `start` on; an earlier hold remains if only white space is in between."""
        if not self.only_blank_is_held(start):
            self._held = start

    def only_blank_is_held(self, end: int) -> bool:
        held = self._held
        return held is not None and end - held <= _BLANK_CHARS_MAX and not self.text[held:end].strip()

    def release(self) -> None:
        self._held = None

    def give_up(self) -> None:
        """Pass on what is held, because it is not a call; the parser continues, to find its end.

        Raises:
            NotAToolCall: its end is known without parsing it.
        """
        if self.fenced:
            raise NotAToolCall
        self.release()

    def replace(self, calls: Sequence[TextualCall]) -> bool:
        """Replace the held text with the calls, and return whether that was possible."""
        if not calls or self._held is None or self.at - self._held > HELD_CHARS_MAX:
            return False
        self._pass_until(self._held)
        self._out += calls
        self.replaced += len(calls)
        self.drop()
        return True

    def drop(self) -> None:
        """Drop the held text that has been read."""
        self._passed = self.at
        self._held = None

    def since(self, start: int) -> str:
        """Return the text read since `start`; nothing if it is no longer held."""
        return "" if self._held is None else self.text[start : self.at]

    def more(self) -> Parser[None]:
        """Wait for more text.

        Raises:
            NotAToolCall: the answer is over.
        """
        if self.over:
            raise NotAToolCall
        if self._held is not None and len(self.text) - self._held > HELD_CHARS_MAX:
            self.give_up()
        yield

    def skip(self, run: re.Pattern[str]) -> Parser[None]:
        """Advance to the first character that is not part of the run."""
        self.at = end_of(run, self.text, self.at)
        while self.at == len(self.text):
            yield from self.more()
            self.at = end_of(run, self.text, self.at)

    def skip_space(self) -> Parser[None]:
        """Advance to the next character that is not white space, or to the end of the answer."""
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
        """Read the literal at this position and return it; return nothing if there is none."""
        was_held = self._held is not None
        while not (found := next((one for one in literals if self.text.startswith(one, self.at)), "")):
            rest = self.text[self.at : self.at + _BLANK_CHARS_MAX]
            if self.over or not any(one.startswith(rest) for one in literals):
                break
            if not was_held:
                self.hold(self.at)  # what is not one of the literals may still start a call
            yield
        if not was_held:
            self.release()
        self.at += len(found)
        return found

    def until(self, end: str) -> Parser[str]:
        """Read up to and including `end`; return the text before it."""
        start = self.at
        while (found := self.text.find(end, self.at)) < 0:
            self.at = max(self.at, len(self.text) - len(end) + 1)
            yield from self.more()
        self.at = found + len(end)
        return self.since(start)[: -len(end)]


def end_of(run: re.Pattern[str], text: str, start: int) -> int:
    found = run.match(text, start)
    return found.end() if found else start
