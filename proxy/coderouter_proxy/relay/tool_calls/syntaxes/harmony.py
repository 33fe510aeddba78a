"""Calls as gpt-oss writes them: a header that says `to=functions.NAME`, then the arguments as JSON."""

import re

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_arguments
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit

_HEADER_CHARS_MAX = 300
_WORD_CHARS_MAX = 3  # the first word may have been `to=`
_HEADER_END = re.compile(r"[{\n]|<\|(?:message|end|start)\|>")
_TO = re.compile(r"\bto=\s*([^\s<>{}]{1,200})")


def read_harmony(held: Lookahead, tools: Tools) -> Unit:
    """Read a header behind its first word, and the arguments."""
    start = held.at - _WORD_CHARS_MAX
    end = _HEADER_END.search(held.text, held.at, min(held.end, held.at + _HEADER_CHARS_MAX))
    if not end and held.end - held.at < _HEADER_CHARS_MAX:
        raise held.unfinished()
    to = _TO.search(held.text, max(start, 0), end.start()) if end else None
    name = tools.named(to[1]) if to else None
    if not end or name is None:
        raise held.refused()
    held.at = end.start() if end[0] == "{" else end.end()
    if held.skip_space() != "{":
        raise held.refused()
    return unit(held, tools.call(name, read_arguments(held)))
