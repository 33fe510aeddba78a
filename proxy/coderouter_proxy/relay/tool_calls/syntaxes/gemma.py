"""Calls as Gemma 4 and FunctionGemma write them: `call:NAME{key:<|"|>text<|"|>,other:1}`."""

import re
from collections.abc import Mapping
from typing import Final

from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX, Literals, Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.python_calls import NAME
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit
from coderouter_proxy.relay.tool_calls.values import DEPTH_MAX, UNREADABLE, read_strictly

CALL: Final = Literals(("call:",))
_QUOTES = Literals(('<|"|>', "<escape>", '"'))
_QUOTE_ENDS = {
    '<|"|>': re.compile(r'<\|"\|>'),
    "<escape>": re.compile("</?escape>"),
    '"': re.compile(r'(?<!\\)"(?=\s*[,}\]])'),
}
_KEY_ENDS = {**_QUOTE_ENDS, '"': re.compile(r'"(?=\s*:)')}
_KEY = re.compile(r"[^:{}\[\],<]*")
_SCALAR = re.compile(r"[^,{}\[\]<]*")


def read_gemma(held: Lookahead, tools: Tools) -> Unit:
    """Read a call behind its `call:`."""
    name = tools.named(held.run(NAME))
    if name is None or held.skip_space() != "{":
        raise held.refused()
    held.at += 1
    return unit(held, tools.call(name, _fields(held, 0)))


def _fields(held: Lookahead, depth: int) -> dict[str, object]:
    fields: dict[str, object] = {}
    while held.skip_space() != "}":
        if quote := held.literal(_QUOTES):
            key = _text(held, quote, _KEY_ENDS)
            held.skip_space()
        else:
            key = held.run(_KEY).strip()
        if held.peek() != ":" or not key:
            raise held.refused()
        held.at += 1
        fields[key] = _value(held, depth + 1)
        _skip_comma(held, "}")
    held.at += 1
    return fields


def _value(held: Lookahead, depth: int) -> object:
    char = held.skip_space()
    if depth > DEPTH_MAX or not char:
        raise held.refused()
    if quote := held.literal(_QUOTES):
        return _text(held, quote, _QUOTE_ENDS)
    if char == "{":
        held.at += 1
        return _fields(held, depth)
    if char == "[":
        held.at += 1
        values: list[object] = []
        while held.skip_space() != "]":
            values.append(_value(held, depth + 1))
            _skip_comma(held, "]")
        held.at += 1
        return values
    text = held.run(_SCALAR).strip()
    value = read_strictly(text)
    return text if value is UNREADABLE else value


def _text(held: Lookahead, quote: str, ends: Mapping[str, re.Pattern[str]]) -> str:
    found = held.find(ends[quote], HELD_CHARS_MAX)
    if not found:
        raise held.unfinished()
    text = held.text[held.at : found.start()]
    held.at = found.end()
    if quote == '"':
        decoded = read_strictly(f'"{text}"')
        return decoded if isinstance(decoded, str) else text
    return text


def _skip_comma(held: Lookahead, closer: str) -> None:
    char = held.skip_space()
    if char == ",":
        held.at += 1
    elif char != closer:
        raise held.refused()
