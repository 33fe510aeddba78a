"""Calls as gpt-oss writes them: a header that says `to=functions.NAME`, then the arguments as JSON."""

import re

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_arguments
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit

_HEADER_CHARS_MAX = 300
_WORD_CHARS_MAX = 3  # the first word may have been `to=`
_HEADER_END = re.compile(r"[{\n]")
_TO = re.compile(r"\bto=\s*([^\s<>{}]{1,200})")


def read_harmony(held: Lookahead, tools: Tools) -> Unit:
    """Read a header behind its first word, and the arguments."""
    start = held.at - _WORD_CHARS_MAX
    end = _HEADER_END.search(held.text, held.at, held.end)
    if not end and held.end - held.at <= _HEADER_CHARS_MAX:
        held.needs_more()
    header = held.text[max(start, 0) : end.start()] if end else ""
    to = _TO.search(header) if len(header) <= _HEADER_CHARS_MAX else None
    name = tools.named(to[1]) if to else None
    if not end or name is None or end[0] != "{":
        held.refuse()
    held.at = end.start()
    return unit(held, tools.call(name, read_arguments(held)))
