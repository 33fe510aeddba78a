"""Turn the tool calls that small models write as text into real ones, while the answer streams."""

import re
from collections.abc import Collection

from coderouter_proxy.relay.tool_calls.lookahead import LookaheadBuffer, NotAToolCall, Parser, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes import (
    CLOSERS,
    OPENERS,
    SYNTAXES,
    Reader,
    read_announced,
    read_json,
)

__all__ = ["Repairer", "TextualCall"]

CALL_LANGUAGES = frozenset(
    {"", "json", "xml", "tool", "tool_call", "tool_calls", "tool_code", "function_call"}
)


def _begun(opener: str) -> str:
    """Return a pattern for every proper prefix of the opener."""
    return "".join(f"(?:{re.escape(char)}" for char in opener[:-1]) + ")?" * (len(opener) - 2) + ")"


_TAG = "|".join(map(re.escape, OPENERS))
_TAG_BEGUN = "|".join(map(_begun, OPENERS))
_LINE = r"\n[ \t]{0,32}"
_OPENER = re.compile(rf"{_TAG}|{_LINE}(?:\{{|\[(?=\s{{0,32}}\{{)|```)")
_OPENER_BEGUN = re.compile(rf"(?:{_TAG_BEGUN})\Z|{_LINE}(?:`{{0,2}}|\[\s{{0,32}})\Z")
_FENCE = re.compile(rf"{_LINE}```")
_FENCE_BEGUN = re.compile(rf"{_LINE}`{{0,2}}\Z")
_BEGUN_CHARS_MAX = 80

_TICKS = re.compile(r"`*")
_LANGUAGE = re.compile(r"[^\s`{\[<]*")
_FENCE_LINE = re.compile(r"[^`\n]*")


class Repairer:
    """Turns tool calls that a model writes as text into real ones.

    Text that cannot become one is passed on at once and unchanged. Where chunks are split does not matter.
    """

    def __init__(self, names: Collection[str]) -> None:
        """Take the names of the request's tools: nothing else becomes a call."""
        self._held = LookaheadBuffer(names)
        self._reading = _answer(self._held)
        next(self._reading)

    @property
    def count(self) -> int:
        """Calls repaired so far."""
        return self._held.replaced

    def feed(self, text: str) -> list[str | TextualCall]:
        """Return what is certain by now, in order."""
        self._held.add(text)
        next(self._reading)
        return self._held.taken()

    def end(self) -> list[str | TextualCall]:
        """Return the rest, at the end of the answer."""
        self._held.over = True
        next(self._reading, None)
        return self._held.taken()


def _answer(held: LookaheadBuffer) -> Parser[None]:
    while opener := (yield from _search(held, _OPENER, _OPENER_BEGUN)):
        if opener == "```":
            yield from _fence(held)
        elif opener in SYNTAXES:
            yield from _calls(held, SYNTAXES[opener].read)
        else:
            held.at -= 1
            yield from _calls(held, read_json)


def _search(held: LookaheadBuffer, opener: re.Pattern[str], begun: re.Pattern[str]) -> Parser[str]:
    """Pass text on up to the next opener and read it; return the opener, or nothing at the end of the answer."""
    while True:
        if found := opener.search(held.text, held.at):
            held.at = found.end()
            held.hold(_start(found))
            return found[0].lstrip()
        if held.over:
            held.release()
            return ""
        size = len(held.text)
        found = begun.search(held.text, max(held.at, size - _BEGUN_CHARS_MAX))
        held.at = found.start() if found else size
        if found and _start(found) < size:
            held.hold(_start(found))
        elif not held.only_blank_is_held(size):
            held.release()
        yield


def _start(found: re.Match[str]) -> int:
    """Return where the opener starts, after the start of its line."""
    return found.end() - len(found[0].lstrip())


def _calls(held: LookaheadBuffer, read: Reader) -> Parser[None]:
    while (yield from _replaced(held, read)) and (yield from _object_follows(held)):
        read = read_json
    held.release()


def _object_follows(held: LookaheadBuffer) -> Parser[bool]:
    """Return whether another object follows a call: models put them on one line, or a comma between them."""
    start = held.at
    held.hold(start)
    yield from held.skip_space()
    if (yield from held.literal((",", ";"))):
        yield from held.skip_space()
    if held.text.startswith("{", held.at):
        return True
    held.at = start
    return False


def _replaced(held: LookaheadBuffer, read: Reader) -> Parser[bool]:
    """Replace the text that `read` reads with its calls; return whether there were any."""
    try:
        calls = yield from read(held)
    except NotAToolCall:
        return False
    if not held.replace(calls):
        return False
    yield from _closed(held)
    return True


def _closed(held: LookaheadBuffer) -> Parser[None]:
    """Drop closers and the white space after them, but leave `at` where the start of a line is recognised."""
    while True:
        end = held.at
        held.hold(end)
        yield from held.skip_space()
        closer = yield from held.literal(CLOSERS)
        held.drop()
        if not closer:
            held.at = end
            return


def _fence(held: LookaheadBuffer) -> Parser[None]:
    try:
        if (yield from _language(held)) in CALL_LANGUAGES and (yield from _calls_of_fence(held)):
            return
        held.release()
        yield from held.skip(_FENCE_LINE)
    except NotAToolCall:  # the answer is over
        return
    if held.text[held.at] != "`":  # otherwise it is inline code
        yield from _search(held, _FENCE, _FENCE_BEGUN)
        held.release()


def _language(held: LookaheadBuffer) -> Parser[str]:
    yield from held.skip(_TICKS)
    start = held.at
    yield from held.skip(_LANGUAGE)
    return held.since(start).lower()


def _calls_of_fence(held: LookaheadBuffer) -> Parser[bool]:
    """Read calls up to the end of the fence; go back to the start of anything else."""
    start = held.at
    held.fenced = True
    while (yield from _replaced(held, read_announced)):
        start = held.at
        held.hold(start)
        yield from held.skip_space()
        if (yield from held.literal(("```",))):
            held.drop()
            held.fenced = False
            yield from _closed(held)
            return True
    held.fenced = False
    held.at = start
    return False
