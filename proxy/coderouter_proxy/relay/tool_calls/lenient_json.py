"""JSON as models write it: other quotes, trailing commas, Python's literals, invalid escapes, braces that are missing."""

import ast
import json
import re
from typing import Final

import json_repair

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead

UNREADABLE: Final = object()
DEPTH_MAX: Final = 64
_REPAIRED_CHARS_MAX = 32 * 1024  # json-repair takes up to 0.1 s for that much

_ESCAPE = re.compile(r"\\(?:([\"\\/bfnrt]|u[0-9a-fA-F]{4})|(')|)")
_BETWEEN = re.compile(r"""[^"'{}\[\]<`()]*""")
_WORDS = re.compile(
    r"""(?:[\s,:=]|(?:true|false|null|True|False|None)\b|[-+]?\.?\d[\d.eE+_-]*|[A-Za-z_][\w-]{0,80}(?=\s*[:=]))*+[rRuU]?"""
)
_STRING_ENDS = {
    quote: re.compile(rf"[^{quote}\\]*+(?:\\.[^{quote}\\]*+)*+{quote}", re.DOTALL) for quote in "\"'"
}
_TRIPLE_ENDS = {
    quote: re.compile(rf"(?:[^{quote}\\]|\\.|{quote}(?!{quote * 2}))*+{quote * 3}", re.DOTALL)
    for quote in _STRING_ENDS
}
_PYTHON_ESCAPE = re.compile(r"\\(?![\"'\\abfnrtvxuUN0-7\n])|(\\.)", re.DOTALL)
_RAW_STRING = re.compile(r"\b[rR][\"']")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\"", re.DOTALL)
_BEHIND_STRING = frozenset(",:}])<`")
_PAIRS = {"}": "{", "]": "[", ")": "("}
_CLOSERS = {opener: closer for closer, opener in _PAIRS.items()}
_NAMES = {"true": True, "false": False, "null": None}


def value_text(held: Lookahead, *, may_lack_last: bool = False) -> str:
    """Read a JSON or Python value in brackets, up to the bracket that closes the first one.

    Brackets that are missing before a tag or a fence are added; with `may_lack_last`, also the very last one at the
    end of the answer. A value that lacks anything else was cut off.

    Raises:
        NotACall: it is no such value, was cut off, or is nested too deeply.
    """
    written: list[str] = []
    start, opened = held.at, ""
    while True:
        between = held.run(_BETWEEN) if held.peek() else ""
        if between and not _WORDS.fullmatch(between):
            held.refuse()
        char = held.peek()
        if char in ("", "<", "`"):
            written.append(held.text[start : held.at].rstrip())
            if not char and not (may_lack_last and len(opened) == 1 and written[-1][-1:] in ("}", "]")):
                held.refuse()
            return "".join(written) + _closed(opened)
        held.at += 1
        if char in _STRING_ENDS:
            _skip_string(held, char)
        elif char in _CLOSERS:
            opened += char
            if len(opened) > DEPTH_MAX:
                held.refuse()
        else:
            opened, found, unclosed = opened.rpartition(_PAIRS[char])
            if not found:
                held.refuse()
            if unclosed:
                written += (held.text[start : held.at - 1], _closed(unclosed))
                start = held.at - 1
            if not opened:
                return "".join(written) + held.text[start : held.at]


def _closed(opened: str) -> str:
    return "".join(_CLOSERS[bracket] for bracket in reversed(opened))


def _skip_string(held: Lookahead, quote: str) -> None:
    """Read the rest of a string; a quote that nothing of a value follows is part of it."""
    if held.text.startswith(quote * 2, held.at, held.end):
        triple = _TRIPLE_ENDS[quote].match(held.text, held.at + 2, held.end)
        if not triple:
            held.needs_more()
        held.at = triple.end()
        return
    while True:
        found = _STRING_ENDS[quote].match(held.text, held.at, held.end)
        if not found:
            held.needs_more()
        held.at = found.end()
        behind = held.space_end(held.at)
        if held.is_at_end(behind) or held.text[behind] in _BEHIND_STRING:
            return


def read_strictly(text: str) -> object:
    """Return the value of a JSON text, or UNREADABLE; raw newlines in strings are allowed."""
    try:
        value: object = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return UNREADABLE
    return value


def read_value(text: str) -> object:
    """Return the value of a text that `value_text` returned, or UNREADABLE."""
    value = read_strictly(text)
    if value is UNREADABLE and "\\" in text:
        value = read_strictly(_ESCAPE.sub(_escape, text))
    if value is UNREADABLE and "'" in text:
        value = read_python(text)
    if value is UNREADABLE and len(text) <= _REPAIRED_CHARS_MAX and text.startswith(("{", "[")):
        value = _repaired(text)
    return value


def read_python(text: str) -> object:
    """Return the value of a Python literal, with JSON's names too, or UNREADABLE."""
    node = python_expression(text.strip())
    try:
        return python_value(node) if node else UNREADABLE
    except ValueError:
        return UNREADABLE


def python_expression(text: str) -> ast.expr | None:
    """Return the expression that a text is, if it is one; raw newlines in strings are allowed."""
    if not _RAW_STRING.search(text):
        text = _PYTHON_ESCAPE.sub(lambda found: found[1] or r"\\", text)
    for source in (text, _STRING.sub(lambda found: found[0].replace("\n", r"\n"), text)):
        try:
            return ast.parse(source, mode="eval").body
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return None


def python_value(node: ast.expr) -> object:
    """Return the value of a literal.

    Raises:
        ValueError: it is something else.
    """
    match node:
        case ast.Constant(value=None | str() | bool() | int() | float()):
            return node.value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [python_value(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            pairs = {key.value: value for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)}
            if len(pairs) == len(keys) and all(isinstance(key, str) for key in pairs):
                return {key: python_value(value) for key, value in pairs.items()}
    raise ValueError(f"{type(node).__name__} is no literal")


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def _escape(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    return "'" if found[2] else r"\\"


def _repaired(text: str) -> object:
    try:
        value: object = json_repair.loads(_ESCAPE.sub(_escape, text), skip_json_loads=True)
    except (ValueError, RecursionError):
        return UNREADABLE
    return value
