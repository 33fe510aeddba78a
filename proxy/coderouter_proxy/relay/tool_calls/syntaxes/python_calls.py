"""Calls as Python: Llama 4, LFM2, OLMo, Gemma's tool_code."""

import re
from typing import Final

from coderouter_proxy.relay.tool_calls.lookahead import Literals, Lookahead, TextualCall
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit
from coderouter_proxy.relay.tool_calls.values import python_call, scan

NAME: Final = re.compile(r"""[^\s<>{}()\[\]"'`,;=]*""")
PRINT: Final = Literals(("print(",))
_CALLS_MAX = 64


def read_python_list(held: Lookahead, tools: Tools) -> Unit:
    """Read calls in square brackets, separated by commas."""
    held.at += 1
    calls: list[TextualCall | None] = []
    while len(calls) < _CALLS_MAX:
        calls.append(_python_call(held, tools))
        char = held.skip_space()
        held.at += 1
        if char == "]":
            return unit(held, *calls)
        if char != ",":
            break
        if held.skip_space() == "]":  # behind a trailing comma
            held.at += 1
            return unit(held, *calls)
    raise held.refused()


def read_python(held: Lookahead, tools: Tools) -> Unit:
    """Read a call; others may follow on lines of their own."""
    held.skip_space()
    is_printed = bool(held.literal(PRINT))
    call = _python_call(held, tools)
    if is_printed:
        if held.skip_space() != ")":
            raise held.refused()
        held.at += 1
    return unit(held, call, then=read_python)


def _python_call(held: Lookahead, tools: Tools) -> TextualCall | None:
    held.skip_space()
    name = tools.named(held.run(NAME))
    if name is None or held.peek() != "(":
        raise held.refused()
    return python_arguments(held, tools, name)


def python_arguments(held: Lookahead, tools: Tools, name: str) -> TextualCall | None:
    """Read the arguments in parentheses, and return the call."""
    read = python_call(scan(held, is_python=True))
    if not read:
        return None
    positional, given = read
    if len(positional) == 1 and isinstance(positional[0], dict) and not given:
        return tools.call(name, positional[0])
    declared = tools.parameters(name)
    if len(positional) > len(declared):
        return None
    in_order = dict(zip(declared, positional, strict=False))
    return None if in_order.keys() & given.keys() else tools.call(name, in_order | given)
