"""Where in an answer a call may begin, and where not: thinking, code, quoted tags."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import regex

from coderouter_proxy.relay.markup import THINKING, ThinkingTag
from coderouter_proxy.relay.tool_calls.lookahead import Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.table import LINE_OPENERS, MARK_OPENERS

BLANK_CHARS_MAX: Final = 64
"""White space at the beginning of an answer may be longer, but then it is passed on before a call."""


def _begun(openers: Iterable[str]) -> str:
    """Return a pattern for the first three characters of the openers, or for fewer at the end of the text."""
    return "|".join(
        sorted(
            {rf"{re.escape(one[0])}(?=\Z|{re.escape(one[1])}(?:\Z|{re.escape(one[2])}))" for one in openers}
        )
    )


def _thinking_tags() -> Iterator[str]:
    for tag in THINKING:
        yield tag.opener
        yield from tag.closers


_ON_LINE_CHARS = "".join({"{", "[", "~", *(opener[0] for opener in LINE_OPENERS.all)})
_ANYWHERE = rf"`|<(?=[A-Za-z/]|\Z)|{_begun([*MARK_OPENERS.all, *_thinking_tags()])}"


@lru_cache(maxsize=64)
def _trigger(initials: str) -> re.Pattern[str]:
    on_line = rf"(?=[{re.escape(_ON_LINE_CHARS + initials)}])(?:(?<=\n)|(?<=\n )|(?<=\n  )|(?<=\n   ))"
    return re.compile(f"{_ANYWHERE}|{on_line}")


_TAG = re.compile(r"<[\w:]+[^<>]*>")
_BLANK = re.compile(rf"\s{{0,{BLANK_CHARS_MAX}}}")
_LINE_BEGUN = re.compile(r"\n {0,3}\Z")
_QUOTES = frozenset("`'\"(=\\")
_LISTED = re.compile(r"\n[ \t]{0,8}(?:[-*+]|\d{1,3}[.)])[ \t]{1,4}\Z|:\d{1,6}:\Z")
"""What is before an item of a list, or a line that grep found."""
_GLUE = frozenset(".!?:;,)…*。！？：")  # noqa: RUF001

_EXAMPLE_TAG = regex.compile(r"<(examples?|pre|code|samp|blockquote|details)(?:\s[^<>\n]{0,100})?>")

TAGGED: Final = frozenset("<]")
"""What tags begin with, MiniMax M3's as well."""
CODE: Final = {"`": re.compile("`*"), "~": re.compile("~*")}
"""Marks of code, and a pattern for any number of each."""
FIRST_LINE_END: Final = re.compile(r"[`\n]")
_FENCE_BEGUN = re.compile(r"\n[ \t>]{0,32}(?:(?:[-*+]|\d{1,3}[.)])[ \t]{1,8})?\Z")
_FENCE_CHARS_MIN = 3


def next_trigger(text: str, at: int, line: int, initials: str) -> int:
    """Return the next position where something may begin that matters; the end of the text if there is none.

    A line that begins with one of the initials may begin with the name of a tool.
    """
    found = _trigger(initials).search(text, at)
    start = found.start() if found else len(text)
    if 0 <= at - line <= BLANK_CHARS_MAX:
        blank = _BLANK.match(text, line)
        end = blank.end() if blank else line
        if at <= end < start and text[end] in _ON_LINE_CHARS + initials:
            return end
    return start


def is_on_line(text: str, at: int, line: int) -> bool:
    """Return whether a position is the first of its line, or indented less than code; so is `line`."""
    if 0 <= at - line <= BLANK_CHARS_MAX:
        blank = text[line:at]
        if not blank.strip() and "\n" not in blank:
            return True
    return bool(_LINE_BEGUN.search(text, max(at - 4, 0), at))


def is_glued(text: str, at: int) -> bool:
    """Return whether a tag directly follows a word or sentence: models write them so, in prose there is a space."""
    before = text[at - 1]
    return before.isalnum() or (before in _GLUE and not is_quoted(text, at))


def is_quoted(text: str, at: int) -> bool:
    before = text[at - 1]
    return before in _QUOTES or (before in ": \t" and bool(_LISTED.search(text, max(at - 18, 0), at)))


def _opener_pattern(tag: ThinkingTag) -> str:
    if _TAG.fullmatch(tag.opener):
        return rf"{re.escape(tag.opener[:-1])}(?:\s[^<>]{{0,80}})?>"
    return re.escape(tag.opener)


def _beginnings(texts: Iterable[str]) -> Iterator[str]:
    return (text[:size] for text in texts for size in range(1, len(text) + 1))


_THINKING = regex.compile("|".join(f"({_opener_pattern(tag)})" for tag in THINKING), regex.IGNORECASE)
_THINKING_ENDS = [re.compile("|".join(map(re.escape, tag.closers)), re.IGNORECASE) for tag in THINKING]
_CLOSERS = regex.compile(
    "|".join(
        re.escape(closer) for tag in THINKING for closer in tag.closers if closer not in MARK_OPENERS.all
    ),
    regex.IGNORECASE,
)


_BEGUN = [
    frozenset(_beginnings(closer for closer in tag.closers if closer in MARK_OPENERS.all)) for tag in THINKING
]


def read_thinking(held: Lookahead, *, may_be_tag: bool) -> tuple[re.Pattern[str], frozenset[str]] | None:
    """Read what opens thinking; a tag counts where a model writes it.

    Returns what ends it, and the beginnings of ends that open something else as well.
    """
    found = held.match_at(_THINKING, held.at)
    if not found or not found.lastindex or (_TAG.fullmatch(found[0]) and not may_be_tag):
        return None
    held.at = found.end()
    return _THINKING_ENDS[found.lastindex - 1], _BEGUN[found.lastindex - 1]


def read_thinking_end(held: Lookahead) -> bool:
    """Read what ends thinking, and return whether it is there."""
    found = held.match_at(_CLOSERS, held.at)
    held.at = found.end() if found else held.at
    return bool(found)


def read_example_tag(held: Lookahead, tools: Tools) -> re.Pattern[str] | None:
    """Read an HTML tag that shows its content as it is, and return what ends it."""
    found = held.match_at(_EXAMPLE_TAG, held.at)
    if not found or tools.named(found[1]) is not None:
        return None
    held.at = found.end()
    return re.compile(rf"</{found[1]}>")


def is_fence(text: str, at: int, size: int) -> bool:
    """Return whether as many marks open a fence; it may be in a list or a quotation."""
    return size >= _FENCE_CHARS_MIN and bool(_FENCE_BEGUN.search(text, max(at - 48, 0), at))


def fence_end(mark: str, size: int) -> re.Pattern[str]:
    return re.compile(rf"\n[ \t>]{{0,32}}{mark}{{{min(size, 32)},64}}[ \t]{{0,32}}(?=\n|\Z)")


def code_end(size: int) -> re.Pattern[str]:
    """Return what ends inline code: as many backticks, the end of its paragraph, or a line that may be a call."""
    ticks = f"`{{{size}}}" if size <= 32 else "(?!)"
    return re.compile(rf"(?<!`){ticks}(?!`)|\n[ \t]{{0,64}}(?:(?=\n)|(?=[<\[]))")
