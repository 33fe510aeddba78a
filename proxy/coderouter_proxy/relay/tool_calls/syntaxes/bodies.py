"""What is between an opener and its closer, whichever they are: models mix the grammars."""

import re
from typing import Final

from coderouter_proxy.relay.tool_calls.lookahead import Literals, Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes import named
from coderouter_proxy.relay.tool_calls.syntaxes.gemma import read_gemma
from coderouter_proxy.relay.tool_calls.syntaxes.named import read_named
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_bare_objects, read_objects
from coderouter_proxy.relay.tool_calls.syntaxes.python_calls import PRINT, read_python, read_python_list
from coderouter_proxy.relay.tool_calls.syntaxes.tags import read_tagged
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Reader, Unit

TICKS: Final = re.compile("`*")
LANGUAGE: Final = re.compile(r"[A-Za-z_+#.-]*")
_CALL = Literals(("call:",))
_FENCE = Literals(("```",))
_BRACKET = re.compile(r"\[\s*")


def read_body(held: Lookahead, tools: Tools, call_tag: str = "") -> Unit:
    """Read what follows an opener: JSON, tags, Python, or a name with its arguments."""
    char = held.skip_space()
    if char == "{":
        return read_objects(held, tools)
    if char == "[":
        return _bracket(held, tools, read_objects)
    if char in ("<", "]"):
        return read_tagged(held, tools, call_tag)
    if char == "`":
        return _fenced(held, tools)
    if held.literal(_CALL):
        return read_gemma(held, tools)
    if held.literal_at(PRINT, held.at):
        return read_python(held, tools)
    return read_named(held, tools, call_tag)


def read_bare(held: Lookahead, tools: Tools) -> Unit:
    """Read what nothing opened."""
    match held.peek():
        case "{":
            return read_bare_objects(held, tools)
        case "[":
            return _bracket(held, tools, read_bare_objects)
        case "<" | "]":
            return read_tagged(held, tools)
        case _:
            return named.read_line(held, tools)


def _bracket(held: Lookahead, tools: Tools, read_array: Reader) -> Unit:
    """Read an array of objects, or of calls in Python."""
    start = held.at
    held.run(_BRACKET)
    is_array = held.peek() in ("{", "[", "]")
    held.at = start
    return read_array(held, tools) if is_array else read_python_list(held, tools)


def read_action(held: Lookahead, tools: Tools) -> Unit:
    """Read what follows `Action:`, an object or a line."""
    is_body = held.skip_space() in ("{", "[") or held.literal_at(_FENCE, held.at)
    return read_body(held, tools) if is_body else named.read_action(held, tools)


def _fenced(held: Lookahead, tools: Tools) -> Unit:
    held.run(TICKS)
    held.run(LANGUAGE)
    read = read_body(held, tools)
    calls = read.calls
    while held.skip_space() not in ("", "`"):
        read = read.then(held, tools) if read.then else read_body(held, tools)
        calls += read.calls
    held.literal(_FENCE)
    return Unit(calls)
