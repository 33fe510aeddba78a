"""Calls as JSON objects: a name under one key, the arguments under another."""

import re
from collections.abc import Iterator
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead, NotACall, TextualCall
from coderouter_proxy.relay.tool_calls.schema import Tools, is_schema
from coderouter_proxy.relay.tool_calls.skips import RestOfValue
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit
from coderouter_proxy.relay.tool_calls.values import read_value, skip_comment, value_in

NAME_KEYS: Final = (
    "name", "function", "tool", "tool_name", "action", "function_name", "toolName", "functionName", "recipient_name",
)  # fmt: skip
ARGUMENT_KEYS: Final = (
    "arguments", "parameters", "input", "args", "params", "action_input", "tool_input", "toolInput", "function_args",
    "tool_args", "tool_arguments", "tool_parameters", "function_arguments", "kwargs",
)  # fmt: skip
CALL_KEYS: Final = (
    "function",
    "tool_calls",
    "function_call",
    "tool_call",
    "functionCall",
    "toolCall",
    "tool_use",
    "tool_uses",
)
"""What is under them is a call, or a list of some."""
OTHER_KEYS: Final = (
    "type",
    "id",
    "index",
    "tool_call_id",
    "call_id",
    "role",
    "content",
    "thought",
    "thoughts",
)
_KEYS = frozenset({*NAME_KEYS, *ARGUMENT_KEYS, *CALL_KEYS, *OTHER_KEYS})
_CALLS_MAX = 64
_ENCODED_MAX = 3

_OPEN = re.compile(r"[\s\[{]*")
_KEY = regex.compile(r"""(["'“]?)([A-Za-z_][\w.-]{0,128})["'“”]?\s*:\s*""")
_NAME = re.compile(r"""["'“][^"'”\\\n]{0,160}""")


def read_objects(held: Lookahead, tools: Tools) -> Unit:
    """Read an object that is a call, or an array of them."""
    _expect_call(held, tools)
    return unit(held, *_calls(read_value(held, may_lack_last=True), tools, is_bare=False))


def read_bare_objects(held: Lookahead, tools: Tools) -> Unit:
    """Read objects that nothing else shows to be calls: they have to have the arguments that their tools require."""
    _expect_call(held, tools)
    return unit(held, *_calls(read_value(held, may_lack_last=True), tools, is_bare=True))


def read_arguments(held: Lookahead) -> dict[str, object]:
    """Read an object that holds arguments.

    Raises:
        NotACall: it is something else.
    """
    value = read_value(held)
    if not isinstance(value, dict):
        raise held.refused()
    return value


def _expect_call(held: Lookahead, tools: Tools) -> None:
    """Refuse early what cannot be a call, by its first key and name."""
    start = held.at
    while held.run(_OPEN) and held.peek() == "/":
        skip_comment(held)
    found = held.match_at(_KEY, held.at)
    key = found[2] if found else ""
    held.at = found.end() if found else held.at
    is_call = key in _KEYS or tools.named(key) is not None
    if is_call and key in NAME_KEYS:
        is_call = held.peek() == "{" or tools.named(held.run(_NAME)[1:]) is not None
    if not is_call:
        raise NotACall(start, RestOfValue()) if found and found[1] else NotACall(held.at)
    held.at = start


def _calls(value: object, tools: Tools, *, is_bare: bool) -> Iterator[TextualCall | None]:
    """Yield the calls of a JSON value; nothing if it is not a call."""
    if isinstance(value, list) and len(value) <= _CALLS_MAX:
        for one in value:
            yield from _calls(one, tools, is_bare=is_bare) if isinstance(one, dict) else (None,)
    elif isinstance(value, dict) and value.keys() <= _KEYS and not value.get("content"):
        inner = next((value[key] for key in CALL_KEYS if isinstance(value.get(key), (dict, list))), None)
        yield from (
            _calls(inner, tools, is_bare=is_bare)
            if inner is not None
            else (_call(value, tools, is_bare=is_bare),)
        )
    elif isinstance(value, dict) and len(value) == 1:  # Apertus writes the name of the tool as the only key
        [(name, arguments)] = value.items()
        call = {"name": name, "arguments": arguments}
        yield _call(call, tools, is_bare=is_bare) if isinstance(arguments, dict) else None
    else:
        yield _flat_call(value, tools) if isinstance(value, dict) and not is_bare else None


def _call(fields: dict[str, object], tools: Tools, *, is_bare: bool) -> TextualCall | None:
    written = next((fields[key] for key in NAME_KEYS if key in fields), None)
    name = tools.named(written) if isinstance(written, str) else None
    arguments = next((fields[key] for key in ARGUMENT_KEYS if key in fields), None)
    for _ in range(_ENCODED_MAX):
        if isinstance(arguments, str):
            arguments = value_in(arguments.strip()) if arguments.strip() else {}
    if arguments is None and not is_bare:
        arguments = {}
    if name is None or not isinstance(arguments, dict) or is_schema(arguments):
        return None
    if is_bare and not tools.has_required(name, arguments):
        return None
    return tools.call(name, arguments)


def _flat_call(fields: dict[str, object], tools: Tools) -> TextualCall | None:
    """Return a call whose arguments are next to its name, if all of them are the tool's."""
    key = next((key for key in NAME_KEYS if isinstance(fields.get(key), str)), "")
    name = tools.named(str(fields.get(key)))
    given = {field: value for field, value in fields.items() if field != key}
    if (
        name is None
        or not given.keys() <= tools.parameters(name).keys()
        or not tools.has_required(name, given)
    ):
        return None
    return tools.call(name, given)
