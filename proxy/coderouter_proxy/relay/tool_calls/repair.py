"""Turn the tool calls that models write as text into real ones, while the answer streams."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from coderouter_proxy.relay.tool_calls import places, prose
from coderouter_proxy.relay.tool_calls.lookahead import Incomplete, Lookahead, NotACall, TextualCall
from coderouter_proxy.relay.tool_calls.reading import read_fences, read_group
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.skips import Skip, Until
from coderouter_proxy.relay.tool_calls.syntaxes.table import LINE_OPENERS, MARK_OPENERS, TAG_OPENERS

__all__ = ["Repairer", "TextualCall"]

_KEPT_CHARS: Final = 2 * prose.INTRO_CHARS_MAX
_TRIMMED_CHARS_MIN = 8 * 1024


class Repairer:
    """Turns tool calls that a model writes as text into real ones.

    Text is passed on at once and unchanged, except where a call may begin: from there it is held until it is clear
    whether it is one. Where chunks are split does not matter.
    """

    def __init__(self, tools: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the JSON schemas of the request's tools by their names: nothing else becomes a call."""
        self.count = 0
        """Calls repaired so far."""
        self._tools = Tools(tools)
        self._initials = self._tools.initials
        self._text = "\n"  # the answer starts at the beginning of a line
        self._arrived: list[str] = []
        self._needed = 0  # with fewer characters, what is held cannot be decided
        self._at = 1
        self._passed = 1  # everything before this was passed on or replaced
        self._line = 1  # the beginning of a line, as if there was a line break
        self._skip: Skip | None = None
        self._has_open_tick = False
        self._has_shown = False  # a call as an example: others are likely to be examples, too
        self._has_begun = False
        self._out: list[str | TextualCall] = []

    def feed(self, text: str) -> list[str | TextualCall]:
        """Return what is certain by now, in order."""
        if not self._tools:
            return [text] if text else []
        self._arrived.append(text)
        self._needed -= len(text)
        return self._certain(is_over=False) if self._needed <= 0 else []

    def end(self) -> list[str | TextualCall]:
        """Return the rest, at the end of the answer."""
        return self._certain(is_over=True)

    def _certain(self, *, is_over: bool) -> list[str | TextualCall]:
        self._trim()
        self._text += "".join(self._arrived)
        self._arrived.clear()
        while self._advance(is_over=is_over):
            pass
        out, self._out = self._out, []
        return out

    def _trim(self) -> None:
        """Forget text that was passed on, except what the words before a call are looked for in."""
        surplus = min(self._passed, self._at) - _KEPT_CHARS
        if surplus > _TRIMMED_CHARS_MIN:
            self._text = self._text[surplus:]
            self._at -= surplus
            self._passed -= surplus
            self._line -= surplus

    def _advance(self, *, is_over: bool) -> bool:
        """Go on to the next place of interest; return whether there may be another."""
        if self._skip:
            return self._skipped(self._skip, is_over=is_over)
        start = places.next_trigger(self._text, self._at, self._line, self._initials)
        self._pass(start, is_over=is_over)
        self._at = start
        if start == len(self._text):
            return False
        held = Lookahead(self._text, start, is_over=is_over)
        try:
            self._read(held)
        except Incomplete:
            self._needed = (len(self._text) - start) // 8  # so that reading again and again takes linear time
            return False
        except NotACall as text:
            self._at = text.at if text.skip else max(text.at, start + 1)
            self._skip = text.skip
        return True

    def _skipped(self, skip: Skip, *, is_over: bool) -> bool:
        self._at, has_ended = skip.end(self._text, self._at, is_over=is_over)
        if has_ended:
            self._skip = None
            skip.ended()
        end = self._at if has_ended else len(self._text)
        if not has_ended and not is_over:
            end -= skip.unsure(self._text)
        self._pass(end, is_over=is_over)
        return has_ended

    def _pass(self, end: int, *, is_over: bool) -> None:
        """Pass text on; white space at the beginning waits for what follows it."""
        if end <= self._passed:
            return
        text = self._text[self._passed : end]
        is_last = is_over and end == len(self._text)
        if not self._has_begun and len(text) <= places.BLANK_CHARS_MAX and not text.strip() and not is_last:
            return
        self._has_begun = True
        self._out.append(text)
        self._passed = end

    def _replace(self, held: Lookahead, calls: list[TextualCall]) -> None:
        self._out += calls
        self.count += len(calls)
        self._has_begun = True
        self._has_open_tick = False
        self._at = self._passed = self._line = held.space_end(held.at)

    def _read(self, held: Lookahead) -> None:
        """Read what begins here.

        Raises:
            Incomplete: it has not arrived.
            NotACall: it is no call.
        """
        if held.peek() in places.CODE:
            self._read_code(held)
        else:
            self._read_markup(held)

    def _read_markup(self, held: Lookahead) -> None:
        text, start = self._text, held.at
        is_on_line = places.is_on_line(text, start, self._line)
        is_glued = places.is_glued(text, start)
        is_quoted = places.is_quoted(text, start)
        if not is_quoted and (thinking := places.read_thinking(held, may_be_tag=is_on_line or is_glued)):
            ends, begun = thinking
            raise NotACall(held.at, Until(ends, self._end_thinking, begun))
        if places.read_thinking_end(held):  # the template has its opener
            self._line = held.at
            raise held.refused()
        if is_on_line and (example_ends := places.read_example_tag(held, self._tools)):
            raise NotACall(held.at, Until(example_ends))
        opener = "" if is_quoted else held.literal(MARK_OPENERS)
        if not opener and (is_on_line or is_glued):
            opener = held.literal(TAG_OPENERS)
        if not opener and is_on_line:
            opener = held.literal(LINE_OPENERS)
        is_bracket = not opener and held.peek() not in places.TAGGED
        if not (opener or is_on_line or (is_glued and held.peek() == "<")):
            raise NotACall(start + 1)
        calls = read_group(held, self._tools, opener)
        if self._is_quotation(held, start, is_bracket=is_bracket, is_on_line=is_on_line):
            raise held.refused()
        self._replace(held, calls)

    def _end_thinking(self, end: re.Match[str]) -> None:
        if MARK_OPENERS.pattern.match(end[0]):  # gpt-oss ends it with the beginning of what follows
            self._at = end.start()
        self._line = self._at

    def _is_quotation(self, held: Lookahead, start: int, *, is_bracket: bool, is_on_line: bool) -> bool:
        """Return whether calls belong to the prose around them."""
        behind = held.at
        if self._has_open_tick and not held.is_at_end(behind) and held.text[behind] == "`":
            return True
        following = held.skip_space()
        if following and held.literal_at(LINE_OPENERS, held.at):
            following = ""  # another call
        between, held.at = held.text[behind : held.at], behind
        if following and "\n" not in between and (between or is_bracket or not is_on_line):
            return True  # the line continues
        return self._is_part_of_prose(start, following, is_native=not is_bracket)

    def _is_part_of_prose(self, start: int, following: str, *, is_native: bool) -> bool:
        intro = self._intro(start)
        is_part = prose.is_part_of_prose(intro, following, is_native=is_native) or (
            self._has_shown and not is_native and not prose.announces_a_call(intro)
        )
        self._has_shown = self._has_shown or is_part
        return is_part

    def _intro(self, start: int) -> str:
        return prose.intro_of(self._text[max(self._line, start - prose.INTRO_CHARS_MAX) : start])

    def _read_code(self, held: Lookahead) -> None:
        start, mark = held.at, held.peek()
        size = len(held.run(places.CODE[mark]))
        end = held.at
        if not places.is_fence(self._text, start, size):
            if mark == "~":
                raise held.refused()
            raise NotACall(end, self._code(size))
        if mark == "`" and places.is_on_line(self._text, start, self._line):
            with suppress(NotACall):
                calls = read_fences(held, self._tools)
                if not self._is_part_of_prose(start, held.skip_space(), is_native=False):
                    self._replace(held, calls)
                    return
        raise NotACall(end, self._fence(mark, size))

    def _fence(self, mark: str, size: int) -> Until:
        def behind_first_line(end: re.Match[str]) -> None:
            self._at = end.start()
            self._skip = Until(places.fence_end(mark, size)) if end[0] == "\n" else self._code(size)

        return Until(places.FIRST_LINE_END, behind_first_line)

    def _code(self, size: int) -> Until:
        def behind_code(end: re.Match[str]) -> None:
            self._has_open_tick = end[0].isspace()

        return Until(places.code_end(size), behind_code)
