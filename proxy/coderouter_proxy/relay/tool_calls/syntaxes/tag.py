"""One tag, whatever the dialect: `<name rest>`, DeepSeek's DSML, MiniMax M3's marks, Kimi K3's tokens."""

import re
from dataclasses import dataclass
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead
from coderouter_proxy.relay.tool_calls.syntaxes.nested import M3

_DSML = r"(?:[ ]?[|｜]{1,2}[ ]?DSML[ ]?[|｜]{1,2}[ ]?)?"  # noqa: RUF001
_NAMESPACE = r"(?:(?:minimax|antml|seed|steptml|atom):|longcat_)?"
_SUFFIX = "(?::opensource)?"  # Hunyuan 4
_SOURCE = (
    rf"(?P<m3>{re.escape(M3)})?"
    rf"(?:<(?P<close>/?){_DSML}{_NAMESPACE}(?P<name>[A-Za-z_][\w.:-]{{0,127}}?){_SUFFIX}(?P<rest>(?:[\s=/][^<>\n]{{0,300}})?)>"
    rf"|<\|(?P<k3>open|close)\|>(?P<k3name>[a-z]{{1,20}})(?P<k3rest>[^<>\n]{{0,300}})<\|sep\|>)"
)
TAGS: Final = re.compile(_SOURCE)
_TAG = regex.compile(_SOURCE)
_CARRIED = re.compile(
    r"""(?:^\s*=\s*|\b(?:name|key|tool)\s*=\s*)["']?([^"'<>\n]{1,160}?)["']?\s*(?=\Z|/\Z|\s[\w-]+\s*=)"""
)


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    rest: str
    is_closing: bool
    start: int
    end: int
    has_m3: bool

    @property
    def carried(self) -> str:
        """The name of a tool or a parameter that the tag carries: `<function=NAME>`, `<argument key="NAME">`."""
        found = _CARRIED.search(self.rest)
        return found[1].strip() if found else ""

    @property
    def is_empty(self) -> bool:
        return self.rest.endswith("/")


def tag_of(found: "re.Match[str] | regex.Match[str]") -> Tag:
    is_closing = found["close"] == "/" or found["k3"] == "close"
    name, rest = (found["k3name"], found["k3rest"]) if found["k3"] else (found["name"], found["rest"])
    return Tag(name, rest, is_closing, found.start(), found.end(), bool(found["m3"]))


def tag_at(held: Lookahead, at: int) -> Tag | None:
    """Return the tag at a position."""
    found = held.match_at(_TAG, at)
    return tag_of(found) if found else None


def next_tag(held: Lookahead) -> Tag | None:
    """Skip white space, and return the tag there."""
    return tag_at(held, held.at) if held.skip_space() in ("<", "]") else None


def end_of(name: str) -> re.Pattern[str]:
    """Return a pattern for the tag that closes one of this name."""
    return re.compile(
        rf"</[^<>\n]{{0,24}}{re.escape(name)}{_SUFFIX}\s{{0,8}}>|<\|close\|>{re.escape(name)}<\|sep\|>"
    )
