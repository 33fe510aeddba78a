"""Find markup in the prose of an answer while it streams: what is in code is a mention of markup, not markup.

Code is what Markdown shows as such: fenced blocks, indented blocks, and inline code, which ends on its line here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from coderouter_proxy.relay.marks import TICKS_MAX, Marks

INLINE_CHARS_MAX: Final = 1000
"""Of inline code; a backtick without its counterpart in this range is text."""

_INDENT_CHARS_MAX = 100
_INFO_CHARS_MAX = 200
_INDENT = re.compile(rf"[ \t\r]{{0,{_INDENT_CHARS_MAX}}}")
_FENCE_CHARS_MAX = 200
_RUN = {char: re.compile(f"{char}{{1,{_FENCE_CHARS_MAX}}}") for char in "`~"}
_INFO_END = re.compile(r"[`\n]")
_TAB = 4
_WAIT = -1

_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»"}  # noqa: RUF001
_SPOKEN = re.compile(r"[ \t]\w|[.,:;!?)]")


@dataclass(frozen=True, slots=True)
class Mark:
    """Markup that was found: which of the marks, and its text as written.

    `in_block`: it is in a fenced or indented block, where it is most likely a mention. `opens_line`: at most white
    space and other marks precede it on its line. `after` is the next character; of a blank, the next two.
    """

    mark: str
    text: str
    in_block: bool
    opens_line: bool
    before: str
    after: str

    @property
    def is_quoted(self) -> bool:
        return self.before != "" and self.after[:1] != "" and _QUOTES.get(self.before) == self.after[:1]

    @property
    def is_spoken_of(self) -> bool:
        """Whether words around it make it part of a sentence, as in "the <think> tag"."""
        return not self.opens_line and self.before in {" ", "\t", "("} and bool(_SPOKEN.match(self.after))


class Scanner:
    """Splits a text that arrives in pieces into marks and what is between them.

    `feed` adds a piece, then `read` yields what is certain by now; marks in inline code are text. Where the text is
    split never matters, except to where its texts are split. At most about `INLINE_CHARS_MAX` characters are held back.
    Work is linear in the text.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self._clear()

    def _clear(self) -> None:
        self._text = ""
        self._at = 0
        """Up to here the text has been yielded."""
        self._scanned = 0
        self._before = ""
        self._over = False
        self.restart()

    def restart(self) -> None:
        """Treat what follows as the start of a text: no block is open."""
        self._line_starts = True
        self._is_first = True
        """No line with content has begun."""
        self._follows_blank = False
        self._fence: tuple[str, int] | None = None
        self._is_indented = False
        self._first = 0
        """Where the content of the line starts."""
        self._ticks_read = 0
        """Up to here there is no counterpart of the backticks at `_scanned`."""

    def feed(self, text: str) -> None:
        if at := self._at:
            self._before = self._text[at - 1]
            self._text = self._text[at:]
            self._scanned -= at
            self._first -= at
            self._ticks_read -= at
            self._at = 0
        self._text += text

    def end(self) -> Iterator[str | Mark]:
        """Yield the rest; a new text starts then."""
        self._over = True
        yield from self.read()
        self._clear()

    def read(self) -> Iterator[str | Mark]:
        while found := self._next():
            text = self._text
            if found.start() > self._at:
                yield text[self._at : found.start()]
            before = text[found.start() - 1] if found.start() else self._before
            end = found.end()
            opens_line = found.start() <= self._first
            self._at = self._scanned = end
            if opens_line:
                self._first = end
            after = text[end : end + 1 + text.startswith((" ", "\t"), end)]
            yield Mark(self.marks.of(found), found[0], self._in_block, opens_line, before, after)
        if self._scanned > self._at:
            rest = self._text[self._at : self._scanned]
            self._at = self._scanned
            yield rest

    @property
    def _in_block(self) -> bool:
        return self._fence is not None or self._is_indented

    def _next(self) -> re.Match[str] | None:
        """Return the next mark; none if no other is certain by now, or there is none."""
        text = self._text
        search = (self.marks.final if self._over else self.marks.pattern).search
        while True:
            if self._line_starts and not self._start_line():
                return None
            found = search(text, self._scanned)
            if not found:
                self._scanned = len(text)
                return None
            self._scanned = found.start()
            char = text[found.start()]
            if char == "\n":
                self._scanned += 1
                self._line_starts = True
            elif char == "`":
                end = found.end() if self._in_block else self._after_ticks(found)
                if end == _WAIT:
                    return None
                self._scanned = end
            elif found.lastindex is None or self._may_continue(found.end(), needed=2):
                return None
            else:
                return found

    def _may_continue(self, at: int, *, needed: int = 1) -> bool:
        """Return whether more has to be known of the text at this position than has arrived; of blanks, `needed`."""
        if self._over:
            return False
        known = self._text[at : at + needed]
        return not known or (len(known) < needed and known in {" ", "\t"})

    def _start_line(self) -> bool:
        """Find out what the line is, and return whether that was possible."""
        text, start = self._text, self._scanned
        indent = _INDENT.match(text, start)
        first = indent.end() if indent else start
        if self._may_continue(first) and first - start < _INDENT_CHARS_MAX:
            return False
        char = text[first : first + 1]
        end = first
        if char in _RUN:
            end = self._after_fence(first, _RUN[char])
            if end == _WAIT:
                return False
        is_blank = char in {"", "\n"}
        if not is_blank:
            deep = len(text[start:first].expandtabs(_TAB)) >= _TAB
            may_be = self._follows_blank or self._is_indented
            self._is_indented = (
                deep and may_be and not self._is_first and self._fence is None and end == first
            )
            self._is_first = False
        self._follows_blank = is_blank
        self._line_starts = False
        self._first = first
        self._scanned = end
        return True

    def _after_fence(self, start: int, run: re.Pattern[str]) -> int:
        """Open or close a fence; return the end of its backticks or tildes, or `start` if it is none."""
        text = self._text
        ticks = run.match(text, start)
        end = ticks.end() if ticks else start
        size = end - start
        if self._may_continue(end) and size < _FENCE_CHARS_MAX:
            return _WAIT
        if self._fence is not None:
            char, opened = self._fence
            if char != text[start] or size < opened:
                return start
            indent = _INDENT.match(text, end)
            rest = indent.end() if indent else end
            if self._may_continue(rest) and rest - end < _INDENT_CHARS_MAX:
                return _WAIT
            if text[rest : rest + 1] not in {"", "\n", "<", "[", "]"}:
                return start  # models write the end of their turn right behind a fence, otherwise nothing follows
            self._fence = None
            return end
        if size < 3:
            return start
        if text[start] == "`":
            limit = end + _INFO_CHARS_MAX
            info = _INFO_END.search(text, end, limit)
            if info is None and not self._over and len(text) < limit:
                return _WAIT
            if info is not None and info[0] == "`":
                return start
        self._fence = (text[start], size)
        return end

    def _after_ticks(self, found: re.Match[str]) -> int:
        """Return the end of the inline code that these backticks open, their own end if they open none."""
        text, end = self._text, found.end()
        size = end - found.start()
        if size > TICKS_MAX:
            return end
        if self._may_continue(end):
            return _WAIT
        limit = end + INLINE_CHARS_MAX
        start = max(end, self._ticks_read)
        closing = _closing(size).search(text, start, min(limit + size + 1, len(text)))
        if closing is None:
            if self._over or len(text) > limit + size:
                self._ticks_read = 0
                return end
            self._ticks_read = max(end, len(text) - size)
            return _WAIT
        if closing[0] != "\n" and self._may_continue(closing.end()):
            return _WAIT
        self._ticks_read = 0
        return end if closing[0] == "\n" or closing.start() > limit else closing.end()


@lru_cache(maxsize=TICKS_MAX)
def _closing(size: int) -> re.Pattern[str]:
    """Return a pattern for the counterpart of so many backticks, or the end of the line."""
    return re.compile(rf"(?<!`)`{{{size}}}(?!`)|\n")
