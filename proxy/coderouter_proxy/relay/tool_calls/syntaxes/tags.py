"""Calls as tags, one for each parameter: Qwen Coder, GLM, MiniMax, DSML, Kimi K3, Cline and their kin."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import regex

from coderouter_proxy.relay.tool_calls.lenient_json import UNREADABLE, read_strictly
from coderouter_proxy.relay.tool_calls.lookahead import Lookahead, NotACall
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.skips import Until
from coderouter_proxy.relay.tool_calls.syntaxes.nested import M3, nested_value
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_arguments
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit

CALL_TAGS: Final = frozenset({"function", "invoke", "call", "tool", "tool_use"})
"""Carry the name of a tool: `<function=NAME>`, `<invoke name="NAME">`."""
RECORD_TAGS: Final = frozenset({"invoke", "use_mcp_tool", "tool_call", "tool_use", "function_call"})
"""Have the name of a tool in a tag of its own."""
NAME_TAGS: Final = frozenset({"tool_name", "name"})
PARAMETER_TAGS: Final = frozenset({"parameter", "param", "argument", "arg"})
"""Carry the name of a parameter: `<parameter=NAME>`, `<argument key="NAME">`."""
BRACKET_TAGS: Final = frozenset({"parameters", "arguments", "args", "params", "input", "json"})
"""Enclose parameters."""
WRAPPER_TAGS: Final = ("tool_call", "tool_calls", "function_calls", "function_call", "tools")
"""Enclose calls."""
KEY_TAG: Final = "arg_key"
VALUE_TAG: Final = "arg_value"

_DSML = r"(?:[ ]?[|｜]{1,2}[ ]?DSML[ ]?[|｜]{1,2}[ ]?)?"  # noqa: RUF001
_NAMESPACE = r"(?:(?:minimax|antml|seed|steptml|atom):|longcat_)?"
_TAG_SOURCE = (
    rf"(?P<m3>{re.escape(M3)})?"
    rf"(?:<(?P<close>/?){_DSML}{_NAMESPACE}(?P<name>[A-Za-z_][\w.:-]{{0,127}})(?P<rest>(?:[\s=/][^<>\n]{{0,300}})?)>"
    rf"|<\|(?P<k3>open|close)\|>(?P<k3name>[a-z]{{1,20}})(?P<k3rest>[^<>\n]{{0,300}})<\|sep\|>)"
)
_TAGS = re.compile(_TAG_SOURCE)
_TAG = regex.compile(_TAG_SOURCE)
_CARRIED = re.compile(
    r"""(?:^\s*=\s*|\b(?:name|key|tool)\s*=\s*)["']?([^"'<>\n]{1,160}?)["']?\s*(?=\Z|/\Z|\s[\w-]+\s*=)"""
)
_JSON = re.compile(r"""\b(?:string="false"|type="(?:number|boolean|null|object|array)")""")
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)
_TOOL_TAG = regex.compile(r"<([A-Za-z_][\w.-]{0,127})(?=[\s/>])")
_ATTRIBUTE = regex.compile(
    r"""\s+([A-Za-z_][\w.-]{0,127})\s*=\s*(?:"((?:[^"]|"(?!\s*(?:/?>|[\w.-]+\s*=)))*+)"|'([^']*+)')"""
)
_TAG_END = regex.compile(r"\s*(/?)>")


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    rest: str
    is_closing: bool
    start: int
    end: int
    has_m3: bool

    @property
    def carried(self) -> str:
        """The name that the tag carries, of a tool or a parameter."""
        found = _CARRIED.search(self.rest)
        return found[1].strip() if found else ""


def tag_at(held: Lookahead, at: int) -> Tag | None:
    """Return the tag at this position, without the marks of its dialect."""
    found = held.match_at(_TAG, at)
    return _tag(found) if found else None


def _tag(found: "re.Match[str] | regex.Match[str]") -> Tag:
    is_closing = found["close"] == "/" or found["k3"] == "close"
    name, rest = (found["k3name"], found["k3rest"]) if found["k3"] else (found["name"], found["rest"])
    return Tag(name, rest, is_closing, found.start(), found.end(), bool(found["m3"]))


def next_tag(held: Lookahead) -> Tag | None:
    """Skip white space, and return the tag there."""
    return tag_at(held, held.at) if held.skip_space() in ("<", "]") else None


def read_tagged(held: Lookahead, tools: Tools, call_tag: str = "") -> Unit:
    """Read a tag that carries the name of a tool, encloses it, or has it as its own name; then the parameters.

    `call_tag` is a tag in front that has been read: it may enclose the name, too.
    """
    tag = next_tag(held)
    if not tag or tag.is_closing or tag.rest.endswith("/"):
        return read_tool_tag(held, tools)
    written = tag.carried if tag.name in CALL_TAGS else ""
    if not written and tag.name in NAME_TAGS and call_tag in RECORD_TAGS:
        return read_parameters(held, tools, _enclosed_name(held, tools, call_tag), call_tag)
    if not written and tag.name not in RECORD_TAGS:
        return read_tool_tag(held, tools)
    held.at = tag.end
    if not written:
        return read_parameters(held, tools, _enclosed_name(held, tools, tag.name), tag.name)
    name = tools.named(written)
    if name is None:
        _refuse_unknown(held, tag.name)
    return read_parameters(held, tools, name, tag.name)


def _enclosed_name(held: Lookahead, tools: Tools, call_tag: str) -> str:
    """Read the tag that encloses the name of the tool; the name of a server may precede it."""
    for _ in range(3):
        tag = next_tag(held)
        if not tag or tag.is_closing or tag.name not in {*NAME_TAGS, "server_name"}:
            held.refuse()
        held.at = tag.end
        closer = held.find(_closer(tag.name), held.at)
        if not closer:
            held.refuse()
        text = held.text[held.at : closer.start()]
        held.at = closer.end()
        if tag.name in NAME_TAGS:
            name = tools.named(text)
            if name is None:
                _refuse_unknown(held, call_tag)
            return name
    held.refuse()


def _refuse_unknown(held: Lookahead, name: str) -> NoReturn:
    """Refuse a call of an unknown tool; what it has as parameters is skipped."""
    tag = next_tag(held)
    has_parameters = tag and not tag.is_closing and (tag.name in PARAMETER_TAGS or tag.name in {KEY_TAG, *BRACKET_TAGS})
    raise NotACall(held.at, Until(_closer(name)) if has_parameters else None)


def _closer(name: str) -> re.Pattern[str]:
    return re.compile(rf"</[^<>\n]{{0,24}}{re.escape(name)}\s{{0,8}}>|<\|close\|>{re.escape(name)}<\|sep\|>")


def read_parameters(held: Lookahead, tools: Tools, name: str, call_tag: str) -> Unit:
    """Read parameters up to the tag that closes the call, or to what can only follow it."""
    declared = tools.parameters(name)
    given: dict[str, object] = {}
    texts: dict[str, object] = {}
    start = held.at
    while True:
        if held.skip_space() == "{":
            if texts:
                held.refuse()
            given |= read_arguments(held)
            continue
        tag = next_tag(held)
        if tag and tag.is_closing and tag.name == call_tag:
            held.at = tag.end
            break
        if not tag or tag.is_closing and tag.name not in BRACKET_TAGS or tag.name in CALL_TAGS:
            if held.peek() not in ("", "<", "]", "[") or not (texts or given) and held.peek() == "":
                held.refuse()
            if not tools.has_required(name, given | texts):
                held.refuse()
            break
        if tag.name in BRACKET_TAGS and not (tag.name in declared and not tag.carried):
            held.at = tag.end
            continue
        _read_parameter(held, Parameters(tag, call_tag, declared, texts))
    if held.at == start:
        held.refuse()
    call = tools.call(name, given) if given else tools.call_of_texts(name, texts)
    return unit(held, call)


@dataclass(frozen=True, slots=True)
class Parameters:
    tag: Tag
    call_tag: str
    declared: Mapping[str, Any]
    texts: dict[str, object]


def _read_parameter(held: Lookahead, now: Parameters) -> None:
    tag = now.tag
    held.at = tag.end
    if tag.name == KEY_TAG:
        key = _key(held)
        value_tag = next_tag(held)
        if not value_tag or value_tag.name != VALUE_TAG or value_tag.is_closing:
            held.refuse()
        held.at, closing = value_tag.end, VALUE_TAG
    elif tag.name in PARAMETER_TAGS and tag.carried:
        key, closing = tag.carried, tag.name
    elif tag.name in now.declared or not now.declared:
        key, closing = tag.name, tag.name
    else:
        held.refuse()
    if tag.rest.endswith("/"):
        now.texts[key] = ""
        return
    start = held.at
    end, held.at = _value_end(held, now, closing)
    text = held.text[start:end]
    if held.at == end:  # its closing tag is missing
        text = text.rstrip()
    value: object = nested_value(_plain(text)) if tag.has_m3 else _plain(text)
    if isinstance(value, str) and key not in now.declared and _JSON.search(tag.rest):
        decoded = read_strictly(value)
        value = value if decoded is UNREADABLE else decoded
    now.texts[key] = value


def _plain(text: str) -> str:
    """Return the text of a parameter without what its template puts around it."""
    if cdata := _CDATA.fullmatch(text):
        return cdata[1]
    if text.startswith("\n"):
        return text[1:].removesuffix("\n")
    return text


def _key(held: Lookahead) -> str:
    found = held.find(_TAGS, held.at)
    if not found or found.start() - held.at > 200:
        held.refuse()
    key = held.text[held.at : found.start()].strip()
    tag = _tag(found)
    held.at = tag.end if tag.is_closing else tag.start
    return key


def _value_end(held: Lookahead, now: Parameters, closing: str) -> tuple[int, int]:
    """Return where the text of a parameter ends, and where to read on.

    A closing tag counts if the structure of the call continues behind it: a text may contain such a tag. If it is
    missing, the next parameter ends the text, or the end of the call.
    """
    following: Tag | None = None
    for found in _TAGS.finditer(held.text, held.at, held.end):
        tag = _tag(found)
        if now.tag.has_m3 and not tag.has_m3:
            continue
        if tag.is_closing and tag.name == closing:
            if _continues(held, now, tag.end):
                return tag.start, tag.end
        elif tag.is_closing and tag.name in (now.call_tag, *WRAPPER_TAGS):
            if _ends(held, tag.end):
                start = following.start if following else tag.start
                return start, start
        elif not tag.is_closing and _is_next_parameter(now, tag):
            if now.tag.name in {KEY_TAG, *PARAMETER_TAGS}:
                return tag.start, tag.start
            following = following or tag
    held.needs_more()


def _is_next_parameter(now: Parameters, tag: Tag) -> bool:
    """Return whether a tag opens a parameter that has not been given, and so may end the text of this one."""
    if KEY_TAG in (tag.name, now.tag.name):
        return tag.name == now.tag.name
    if now.tag.name in PARAMETER_TAGS:
        return tag.name == now.tag.name and _is_new(now, tag.carried, now.tag.carried)
    return _is_new(now, tag.name, now.tag.name)


def _is_new(now: Parameters, key: str, current: str) -> bool:
    return key in now.declared and key not in now.texts and key != current


def _continues(held: Lookahead, now: Parameters, at: int) -> bool:
    at = held.space_end(at)
    if held.is_at_end(at):
        return True
    tag = tag_at(held, at)
    if not tag:
        return held.text[at] in "<[" and not held.text.startswith("</", at)
    if tag.is_closing:
        return True
    return (
        tag.name in PARAMETER_TAGS
        or tag.name in CALL_TAGS
        or tag.name in {KEY_TAG, *BRACKET_TAGS, *RECORD_TAGS}
        or tag.name in now.declared
        or not now.declared
    )


def _ends(held: Lookahead, at: int) -> bool:
    """Return whether a call may end at this position: at the end of the answer, or before another tag or line."""
    at = held.space_end(at)
    return held.is_at_end(at) or held.text[at] in "<]["


def read_tool_tag(held: Lookahead, tools: Tools) -> Unit:
    """Read a tag that has the name of the tool as its own, with parameters as attributes, tags or JSON."""
    found = held.match_at(_TOOL_TAG, held.at)
    name = tools.named(found[1]) if found else None
    if not found or name is None:
        held.refuse()
    written = found[1]
    held.at = found.end()
    attributes: dict[str, object] = {}
    while attribute := held.match_at(_ATTRIBUTE, held.at):
        text = attribute[2] if attribute[2] is not None else attribute[3]
        attributes[attribute[1]] = html.unescape(text)
        held.at = attribute.end()
    end = held.match_at(_TAG_END, held.at)
    if not end or not attributes.keys() <= tools.parameters(name).keys():
        held.refuse()
    held.at = end.end()
    if end[1] or attributes:
        if not end[1]:
            closer = held.match_at(regex.compile(rf"\s*</{regex.escape(written)}\s*>"), held.at)
            if not closer:
                held.refuse()
            held.at = closer.end()
        return unit(held, tools.call_of_texts(name, attributes) if tools.has_required(name, attributes) else None)
    return read_parameters(held, tools, name, written)
