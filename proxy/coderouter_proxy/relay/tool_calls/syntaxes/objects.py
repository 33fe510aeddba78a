"""Calls as JSON objects: a name under one key, the arguments under another."""

import re
from collections.abc import Iterator
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.lenient_json import read_value, value_in
from coderouter_proxy.relay.tool_calls.lookahead import Lookahead, NotACall, TextualCall
from coderouter_proxy.relay.tool_calls.schema import Tools, is_schema
from coderouter_proxy.relay.tool_calls.skips import RestOfValue
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit

NAME_KEYS: Final = ("name", "function", "tool", "tool_name", "action", "function_name", "toolName")
ARGUMENT_KEYS: Final = (
    "arguments", "parameters", "input", "args", "params", "action_input", "tool_input", "toolInput", "function_args",
)  # fmt: skip
WRAPPER_KEYS: Final = ("function", "tool_calls", "function_call", "tool_call", "functionCall", "toolCall", "tool_use")
OTHER_KEYS: Final = ("type", "id", "index", "tool_call_id", "call_id", "role", "content", "thought", "thoughts")
_KEYS = frozenset({*NAME_KEYS, *ARGUMENT_KEYS, *WRAPPER_KEYS, *OTHER_KEYS})
_LISTS_MAX = 64

_OPEN = re.compile(r"[\s\[{]*")
_KEY = regex.compile(r"""(["']?)([A-Za-z_][\w.-]{0,128})\1\s*:\s*""")
_NAME = re.compile(r"""["'][^"'\\\n]{0,160}""")


def read_objects(held: Lookahead, tools: Tools) -> Unit:
    """Read an object that is a call, or an array of them."""
    _expect_call(held, tools)
    return unit(held, *_calls(read_value(held, may_lack_last=True), tools))


def read_arguments(held: Lookahead) -> dict[str, object]:
    """Read an object that holds arguments, or a string that holds one.

    Raises:
        NotACall: it is something else.
    """
    value = read_value(held)
    if not isinstance(value, dict):
        held.refuse()
    return value


def _expect_call(held: Lookahead, tools: Tools) -> None:
    """Refuse early what is no call by its first key and name."""
    start = held.at
    held.run(_OPEN)
    found = held.match_at(_KEY, held.at)
    key = found[2] if found else ""
    held.at = found.end() if found else held.at
    is_call = key in _KEYS or tools.named(key) is not None
    if is_call and key in NAME_KEYS and held.peek() in ('"', "'"):
        is_call = tools.named(held.run(_NAME)[1:]) is not None
    if not is_call:
        raise NotACall(start, RestOfValue()) if found and found[1] else NotACall(held.at)
    held.at = start


def _calls(value: object, tools: Tools) -> Iterator[TextualCall | None]:
    """Yield the calls of a JSON value; nothing for what is no call."""
    if isinstance(value, list):
        for one in value[:_LISTS_MAX]:
            yield from _calls(one, tools) if isinstance(one, dict) else (None,)
    elif isinstance(value, dict):
        inner = next((value[key] for key in WRAPPER_KEYS if isinstance(value.get(key), (dict, list))), None)
        if not value.keys() <= _KEYS:
            yield _by_name(value, tools)
        elif inner is not None:
            yield from _calls(inner, tools)
        else:
            yield _call(value, tools)


def _call(fields: dict[str, object], tools: Tools) -> TextualCall | None:
    written = next((fields[key] for key in NAME_KEYS if key in fields), None)
    name = tools.named(written) if isinstance(written, str) else None
    arguments = next((fields[key] for key in ARGUMENT_KEYS if key in fields), None)
    if isinstance(arguments, str):
        arguments = value_in(arguments.strip()) if arguments.strip() else {}
    if arguments is None:
        arguments = {}
    if name is None or not isinstance(arguments, dict) or is_schema(arguments):
        return None
    return tools.call(name, arguments) if tools.has_required(name, arguments) else None


def _by_name(fields: dict[str, object], tools: Tools) -> TextualCall | None:
    """Return the call of an object whose only key is the name of a tool."""
    if len(fields) != 1:
        return None
    [(written, arguments)] = fields.items()
    return _call({"name": written, "arguments": arguments}, tools) if isinstance(arguments, dict) else None
