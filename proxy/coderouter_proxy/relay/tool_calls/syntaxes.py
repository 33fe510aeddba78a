"""How models write tool calls as text: a table (at the end) of openers, with parser and closer."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from coderouter_proxy.relay.tool_calls.lookahead import (
    LookaheadBuffer,
    NotAToolCall,
    Parser,
    TextualCall,
    end_of,
)

Reader: TypeAlias = Callable[[LookaheadBuffer], Parser[list[TextualCall]]]

NAME_KEYS = ("name", "function", "tool", "tool_name")
ARGUMENT_KEYS = ("arguments", "parameters", "input", "args")
CALL_KEYS = frozenset({*NAME_KEYS, *ARGUMENT_KEYS, "type", "id"})

SEPARATOR = "<｜tool▁sep｜>"  # noqa: RUF001
BEFORE_ARGUMENTS = ("[ARGS]", SEPARATOR, "```json")  # between a bare name and its arguments
PARAMETER_OPENERS = ("<parameter=", "<parameter name=")

_STRING = re.compile(r'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(r"[-+.0-9Eaeflnrstu]+")
_INNER = re.compile(r"[-+.0-9Eaeflnrstu\s,:]+")
_NAME = re.compile(r"""[^\s<>{}()\[\]"'`]*""")
_TAG_REST = re.compile(r"[^<>\n]*")
_AROUND_NAME = " \t\"'"


def read_announced(held: LookaheadBuffer) -> Parser[list[TextualCall]]:
    """Read what follows an opener: JSON, another opener, or a name with its arguments."""
    while True:
        if (yield from held.peek()) in "{[":
            return (yield from read_json(held))
        opener = yield from held.literal(OPENERS)
        if not opener:
            return (yield from read_named(held))
        if (read := SYNTAXES[opener].read) is not read_announced:
            return (yield from read(held))


def read_json(held: LookaheadBuffer) -> Parser[list[TextualCall]]:
    """Read an object that is a call, or an array of them."""
    start = held.at
    if held.text[start] == "{":
        yield from _object(held)
    else:
        held.at += 1
        char = ","
        while char == ",":
            if (yield from held.peek()) != "{":
                raise NotAToolCall
            yield from _object(held)
            char = yield from held.expect(",]")
    return _calls_in(held.since(start), held)


def _object(held: LookaheadBuffer, *, is_inner: bool = False) -> Parser[None]:
    held.at += 1
    char = ","
    while char == ",":
        if (yield from held.peek()) != '"':
            raise NotAToolCall
        key = yield from _decoded_string(held)
        if key not in CALL_KEYS:
            held.give_up()
        yield from held.expect(":")
        yield from _member(held, key, is_inner=is_inner)
        char = yield from held.expect(",}")


def _member(held: LookaheadBuffer, key: str, *, is_inner: bool) -> Parser[None]:
    char = yield from held.peek()
    if key == "function" and char == "{" and not is_inner:
        yield from _object(held, is_inner=True)
    elif key in NAME_KEYS and char == '"':
        if (yield from _decoded_string(held)) not in held.names:
            held.give_up()
    else:
        if key in NAME_KEYS:
            held.give_up()
        yield from _value(held)


def _decoded_string(held: LookaheadBuffer) -> Parser[str]:
    start = held.at
    yield from _string(held)
    value = _decoded(held.since(start))
    return value if isinstance(value, str) else ""


def _string(held: LookaheadBuffer) -> Parser[None]:
    held.at += 1
    while True:
        held.at = end_of(_STRING, held.text, held.at)
        if held.text.startswith('"', held.at):
            break
        yield from held.more()
    held.at += 1


def _value(held: LookaheadBuffer) -> Parser[None]:
    """Read a JSON value; decoding it shows whether it is valid."""
    closers: list[str] = []
    while True:
        char = yield from held.peek()
        run = _INNER if closers else _SCALAR
        if char == '"':
            yield from _string(held)
        elif char in "{[":
            closers.append("}" if char == "{" else "]")
            held.at += 1
        elif closers and char == closers[-1]:
            closers.pop()
            held.at += 1
        elif run.match(char):
            yield from held.skip(run)
        else:
            raise NotAToolCall
        if not closers:
            return


def _arguments(held: LookaheadBuffer) -> Parser[object]:
    start = held.at
    yield from _value(held)
    return _decoded(held.since(start))


def read_named(held: LookaheadBuffer) -> Parser[list[TextualCall]]:
    """Read a name followed by the JSON of its arguments."""
    name = yield from _bare_name(held)
    if name == "function" and (yield from held.literal((SEPARATOR,))):
        name = yield from _bare_name(held)
    if name not in held.names:
        raise NotAToolCall
    while (yield from held.peek()) != "{":
        if not (yield from held.literal(BEFORE_ARGUMENTS)):
            raise NotAToolCall
    return _call(name, (yield from _arguments(held)))


def _bare_name(held: LookaheadBuffer) -> Parser[str]:
    start = held.at
    yield from held.skip(_NAME)
    return held.since(start)


def read_element(held: LookaheadBuffer) -> Parser[list[TextualCall]]:
    """Read the rest of a tag that carries the name, then JSON or one tag per parameter."""
    start = held.at
    yield from held.skip(_TAG_REST)
    name = held.since(start).strip(_AROUND_NAME)
    if held.text[held.at] != ">":
        raise NotAToolCall
    held.at += 1
    if name not in held.names:
        held.give_up()
    if (yield from held.peek()) == "{":
        return _call(name, (yield from _arguments(held)))
    return _call(name, (yield from _parameters(held)))


def _parameters(held: LookaheadBuffer) -> Parser[dict[str, object]]:
    """Read tags up to the one that closes the call; without that one, the answer may have been cut off."""
    parameters: dict[str, object] = {}
    while True:
        yield from held.peek()
        tag = yield from held.literal((*PARAMETER_OPENERS, *CLOSERS))
        if not tag:
            raise NotAToolCall
        if tag not in PARAMETER_OPENERS:
            return parameters
        key = yield from held.until(">")
        written = yield from held.until("</parameter>")
        parameters[key.strip(_AROUND_NAME)] = _parameter(written.removeprefix("\n").removesuffix("\n"))


def _parameter(written: str) -> object:
    value = _decoded(written)
    return written if value is _UNREADABLE or isinstance(value, str) else value


def _calls_in(text: str, held: LookaheadBuffer) -> list[TextualCall]:
    """Return the calls in a JSON text; none if it contains anything else."""
    decoded = _decoded(text)
    calls: list[TextualCall] = []
    for value in decoded if isinstance(decoded, list) else [decoded]:
        call = _call(*_name_and_arguments(value))
        if not call or call[0].name not in held.names:
            return []
        calls += call
    return calls


def _name_and_arguments(value: object) -> tuple[object, object]:
    if not isinstance(value, dict):
        return None, None
    inner = value.get("function")
    fields = inner if isinstance(inner, dict) else value
    name = next((fields[key] for key in NAME_KEYS if key in fields), None)
    arguments = next((fields[key] for key in ARGUMENT_KEYS if key in fields), None)
    return name, {} if arguments in (None, "") else arguments


def _call(name: object, arguments: object) -> list[TextualCall]:
    if isinstance(arguments, str):
        arguments = _decoded(arguments)
    if not isinstance(name, str) or not isinstance(arguments, dict) or _is_schema(arguments):
        return []
    try:
        return [TextualCall(name, orjson.dumps(arguments).decode())]
    except orjson.JSONEncodeError:  # a lone surrogate, an integer of more than 64 bits, or nested too deeply
        return []


def _is_schema(arguments: dict[str, object]) -> bool:
    """Return whether these are the schema of a tool's parameters, as in a list of tools, not arguments."""
    return arguments.get("type") == "object" and isinstance(arguments.get("properties"), dict)


_UNREADABLE = object()


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)  # models write raw newlines in strings


def _decoded(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return _UNREADABLE


@dataclass(frozen=True, slots=True)
class Syntax:
    opener: str
    read: Reader
    closer: str  # dropped if it follows the call


SYNTAXES = {
    syntax.opener: syntax
    for syntax in (
        Syntax("<tool_call>", read_announced, "</tool_call>"),
        Syntax("<tool_calls>", read_announced, "</tool_calls>"),
        Syntax("<tools>", read_announced, "</tools>"),
        Syntax("<function_call>", read_announced, "</function_call>"),
        Syntax("<function_calls>", read_announced, "</function_calls>"),
        Syntax("<functioncall>", read_announced, "</functioncall>"),
        Syntax("<|tool_call|>", read_announced, "<|/tool_call|>"),
        Syntax("<|python_tag|>", read_announced, "<|eom_id|>"),
        Syntax("[TOOL_CALLS]", read_announced, "[/TOOL_CALLS]"),
        Syntax("<｜tool▁calls▁begin｜>", read_announced, "<｜tool▁calls▁end｜>"),  # noqa: RUF001
        Syntax("<｜tool▁call▁begin｜>", read_announced, "<｜tool▁call▁end｜>"),  # noqa: RUF001
        Syntax("<function=", read_element, "</function>"),
        Syntax("<function name=", read_element, "</function>"),
        Syntax("<invoke name=", read_element, "</invoke>"),
    )
}
OPENERS = tuple(SYNTAXES)
CLOSERS = (*{syntax.closer: None for syntax in SYNTAXES.values()}, "```<｜tool▁call▁end｜>")  # noqa: RUF001
