"""Values as models write them, in JSON or Python: other quotes, trailing commas, invalid escapes, missing braces.

What is between the strings is repaired by json-repair; strings never are, only decoded: what an agent writes into
files must not be guessed.
"""

import ast
import json
import re
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead, NotACall

UNREADABLE: Final = object()
DEPTH_MAX: Final = 64
_REPAIRED_CHARS_MAX = 16 * 1024  # without what is in strings; json-repair takes up to 0.1 s for that much

_BETWEEN = re.compile(r"""[^"'“”{}\[\]<`()/]*""")
_COMMENT = regex.compile(r"//[^\n]{0,1000}+\n|/\*(?s:.{0,1000}?)\*/")
_WORDS = re.compile(
    r"(?:[\s,:=]|(?:true|false|null|True|False|None)\b|[-+]?\.?\d[\d.eE+_-]*|[A-Za-z_][\w-]{0,80}(?=\s*[:=]))*+[rR]?"
)
_STRING_ENDS = {
    quote: re.compile(rf"[^{ends}\\]*+(?:\\.[^{ends}\\]*+)*+[{ends}]", re.DOTALL)
    for quote, ends in {'"': '"', "'": "'", "“": "“”"}.items()
}
_TRIPLE_ENDS = {
    quote: re.compile(rf"(?:[^{quote}\\]|\\.|{quote}(?!{quote * 2}))*+{quote * 3}", re.DOTALL)
    for quote in "\"'"
}
_BEHIND_STRING = frozenset(",:}])<`")
_PAIRS = {"}": "{", "]": "[", ")": "("}
_CLOSERS = {opener: closer for closer, opener in _PAIRS.items()}
_ESCAPE = re.compile(r"""\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\n)|(["'\\/bfnrtav0]))""")
_ESCAPED = dict(zip("bfnrtav0", "\b\f\n\r\t\a\v\0", strict=True))
_SURROGATES = re.compile("[\ud800-\udfff]")
_NAMES = {"true": True, "false": False, "null": None}


class Value:
    """A value in brackets: as it was written, and with its strings numbered."""

    def __init__(self) -> None:
        self.written = ""
        self.skeleton: list[str] = []
        self.strings: list[str] = []

    def add_string(self, content: str, *, is_raw: bool) -> None:
        self.skeleton.append(f'"{len(self.strings)};"')
        self.strings.append(content if is_raw else _unescaped(content))

    def string(self, numbers: str) -> str:
        """Return the string that these numbers are for.

        Raises:
            ValueError: they are no numbers, so that no string was written.
        """
        first, *others = numbers.split(";")
        return self.strings[int(first)] + "".join(self.strings[int(number)] for number in others if number)


def _unescaped(content: str) -> str:
    text = _ESCAPE.sub(_character, content)
    if text.isascii() or not _SURROGATES.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(found: re.Match[str]) -> str:
    if code := found[1] or found[2]:
        return chr(int(code, 16))
    return "" if found[3] else _ESCAPED.get(found[4], found[4])


def read_value(held: Lookahead, *, may_lack_last: bool = False) -> object:
    """Read a JSON or Python value in brackets, and return it or UNREADABLE.

    Brackets that are missing before a tag or a fence are added; with `may_lack_last`, also the very last one at the
    end of the answer. A value that lacks anything else was cut off.

    Raises:
        NotACall: it is no such value, was cut off, or is nested too deeply.
    """
    value = scan(held, may_lack_last=may_lack_last)
    strict = read_strictly(value.written)
    return _repaired(value) if strict is UNREADABLE else strict


def value_in(text: str) -> object:
    """Return the value that a complete text is, or UNREADABLE."""
    value = read_strictly(text)
    if value is UNREADABLE and text.startswith(("{", "[")):
        held = Lookahead(text, 0, is_over=True)
        try:
            value = read_value(held)
        except NotACall:
            return UNREADABLE
        return value if held.at == len(text) else UNREADABLE
    return value


def read_strictly(text: str) -> object:
    """Return the value of a JSON text, or UNREADABLE; raw newlines in strings are allowed."""
    try:
        value: object = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return UNREADABLE
    return value


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse)


def scan(held: Lookahead, *, may_lack_last: bool = False, is_python: bool = False) -> Value:
    """Read a value in brackets, up to the bracket that closes the first one; see `read_value`."""
    value, start, opened = Value(), held.at, ""
    while True:
        between = held.run(_BETWEEN) if held.peek() else ""
        if between and not _WORDS.fullmatch(between):
            raise held.refused()
        char = held.peek()
        is_raw = char in _STRING_ENDS and between.endswith(("r", "R"))
        value.skeleton.append(between[:-1] if is_raw else between)
        if char == "/":
            skip_comment(held)
            continue
        if char == "”":
            raise held.refused()
        if char in ("", "<", "`"):
            if not char and not (may_lack_last and len(opened) == 1 and _ends_with_bracket(value)):
                raise held.refused()
            value.skeleton.append(_closed(opened))
            return value
        held.at += 1
        if char in _STRING_ENDS:
            value.add_string(_read_string(held, char, is_python=is_python), is_raw=is_raw)
            continue
        if char in _CLOSERS:
            opened += char
            if len(opened) > DEPTH_MAX:
                raise held.refused()
        else:
            opened, found, unclosed = opened.rpartition(_PAIRS[char])
            if not found:
                raise held.refused()
            value.skeleton.append(_closed(unclosed))
        value.skeleton.append(char)
        if not opened:
            value.written = held.text[start : held.at]
            return value


def skip_comment(held: Lookahead) -> None:
    comment = held.match_at(_COMMENT, held.at)
    if not comment:
        raise held.refused()
    held.at = comment.end()


def _closed(opened: str) -> str:
    return "".join(_CLOSERS[bracket] for bracket in reversed(opened))


def _ends_with_bracket(value: Value) -> bool:
    return "".join(value.skeleton[-2:]).rstrip()[-1:] in ("}", "]")


def _read_string(held: Lookahead, quote: str, *, is_python: bool) -> str:
    """Read the rest of a string and return its content; a quote that nothing of a value follows is part of it."""
    start = held.at
    if quote in _TRIPLE_ENDS and held.text.startswith(quote * 2, start, held.end):
        triple = _TRIPLE_ENDS[quote].match(held.text, start + 2, held.end)
        if not triple:
            raise held.unfinished()
        held.at = triple.end()
        return held.text[start + 2 : held.at - 3]
    has_quotes = False
    while True:
        found = _STRING_ENDS[quote].match(held.text, held.at, held.end)
        if not found:
            raise held.unfinished()
        held.at = found.end()
        behind = held.space_end(held.at)
        following = "" if held.is_at_end(behind) else held.text[behind]
        if not following or following in _BEHIND_STRING:
            break
        if following in _STRING_ENDS and behind > held.at:
            if is_python:  # it joins such strings
                break
            raise held.refused()  # a comma is missing, or this quote has no backslash
        has_quotes = True
    if has_quotes and following == ":":
        raise held.refused()
    return held.text[start : held.at - 1]


def _repaired(value: Value) -> object:
    skeleton = "".join(value.skeleton)
    if len(skeleton) > _REPAIRED_CHARS_MAX:
        return UNREADABLE
    import json_repair  # noqa: PLC0415 - memory and time that few need

    try:
        repaired: object = json_repair.loads(skeleton, skip_json_loads=True)
        used: list[str] = []
        filled = _filled(repaired, value, used)
    except (ValueError, IndexError, RecursionError):
        return UNREADABLE
    return filled if len(used) == len(value.strings) else UNREADABLE


def _filled(repaired: object, value: Value, used: list[str]) -> object:
    """Return a value with its strings; the numbers of those are added to `used`."""
    if isinstance(repaired, dict):
        return {
            (key if key.isidentifier() else _string(key, value, used)): _filled(one, value, used)
            for key, one in repaired.items()
        }
    if isinstance(repaired, list):
        return [_filled(one, value, used) for one in repaired]
    return _string(repaired, value, used) if isinstance(repaired, str) else repaired


def _string(number: str, value: Value, used: list[str]) -> str:
    used.append(number)
    return value.string(number)


def python_call(value: Value) -> tuple[list[object], dict[str, object]] | None:
    """Return the positional and the named arguments in parentheses, if they are literals."""
    try:
        node = ast.parse("call" + "".join(value.skeleton), mode="eval").body
        if not isinstance(node, ast.Call):
            return None
        named = {keyword.arg: _literal(keyword.value, value) for keyword in node.keywords if keyword.arg}
        positional = [_literal(argument, value) for argument in node.args]
    except (ValueError, SyntaxError, IndexError, MemoryError, RecursionError):
        return None
    return (positional, named) if len(named) == len(node.keywords) else None


def _literal(node: ast.expr, value: Value) -> object:
    match node:
        case ast.Constant(value=str() as numbers):
            return value.string(numbers)
        case ast.Constant(value=None | bool() | int() | float()):
            return node.value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_literal(element, value) for element in elements]
        case ast.Dict(keys=keys, values=values):
            pairs = [(_literal(key, value), one) for key, one in zip(keys, values, strict=True) if key]
            if len(pairs) == len(keys):
                return {key: _literal(one, value) for key, one in pairs if isinstance(key, str)}
    raise ValueError("no literal")
