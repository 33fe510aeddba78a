"""The parameters of a call as tags, up to the end of the call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from coderouter_proxy.relay.tool_calls.lookahead import Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.nested import nested_value
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_arguments
from coderouter_proxy.relay.tool_calls.syntaxes.tag import TAGS, Tag, next_tag, tag_at, tag_of
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit
from coderouter_proxy.relay.tool_calls.values import UNREADABLE, read_strictly

CALL_TAGS: Final = frozenset({"function", "invoke", "call", "tool", "tool_use", "tool_call", "function_call"})
"""Carry the name of a tool: `<function=NAME>`, `<invoke name="NAME">`."""
RECORD_TAGS: Final = frozenset({"invoke", "use_mcp_tool", "tool_call", "tool_use", "function_call"})
"""Have the name of a tool in a tag of its own."""
PARAMETER_TAGS: Final = frozenset({"parameter", "param", "argument", "arg"})
"""Carry the name of a parameter: `<parameter=NAME>`, `<argument key="NAME">`."""
BRACKET_TAGS: Final = frozenset({"parameters", "arguments", "args", "params", "input", "json"})
"""Enclose all parameters."""
WRAPPER_TAGS: Final = frozenset({"tool_call", "tool_calls", "function_calls", "function_call", "tools"})
"""Enclose calls."""
KEY_TAG: Final = "arg_key"
"""Encloses the name of a parameter; VALUE_TAG, which follows, its text."""
VALUE_TAG: Final = "arg_value"

_KEY_CHARS_MAX = 300
_JSON = re.compile(r"""\b(?:string="false"|type="(?:number|boolean|null|object|array)")""")
_CDATA = re.compile(r"\s*<!\[CDATA\[(.*)\]\]>\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """A call whose parameters are being read."""

    tag: str
    """The name of the tag that closes it."""
    declared: Mapping[str, Any]
    """The schemas of the tool's parameters by their names."""
    given: dict[str, object] = field(default_factory=dict)
    """Values that were written as JSON."""
    texts: dict[str, object] = field(default_factory=dict)

    def opens_parameter(self, tag: Tag | None) -> bool:
        if not tag or tag.is_closing:
            return False
        if tag.name == KEY_TAG or (tag.name in PARAMETER_TAGS and tag.carried):
            return True
        is_known = tag.name in CALL_TAGS | RECORD_TAGS | BRACKET_TAGS | WRAPPER_TAGS
        return not tag.carried and (tag.name in self.declared or not (self.declared or is_known))

    def is_new(self, key: str) -> bool:
        return key in self.declared and key not in self.texts


def read_parameters(
    held: Lookahead, tools: Tools, name: str, call_tag: str, *, needs_required: bool = False
) -> Unit:
    """Read parameters up to the tag that closes the call, or to what can only follow a call.

    Raises:
        NotACall: something else follows, or the text of a parameter was cut off.
    """
    call = Call(call_tag, tools.parameters(name))
    start = held.at
    while True:
        if held.skip_space() == "{" and not call.texts:
            call.given.update(read_arguments(held))
            continue
        tag = next_tag(held)
        if tag and call.opens_parameter(tag):
            _read_parameter(held, call, tag)
        elif tag and tag.name in BRACKET_TAGS:
            held.at = tag.end
        elif tag and tag.is_closing and tag.name == call_tag:
            held.at = tag.end
            break
        elif _has_ended(held, tools, name, call):
            break
        else:
            raise held.refused()
    if held.at == start or (needs_required and not tools.has_required(name, call.given or call.texts)):
        raise held.refused()
    return unit(held, tools.call(name, call.given) if call.given else tools.call_of_texts(name, call.texts))


def _has_ended(held: Lookahead, tools: Tools, name: str, call: Call) -> bool:
    """Return whether a call has ended without a closing tag: with the answer, or before another tag or mark."""
    given = call.given or call.texts
    return (
        held.peek() in ("", "<", "[", "]") and tools.has_required(name, given) and bool(given or held.peek())
    )


def _read_parameter(held: Lookahead, call: Call, tag: Tag) -> None:
    held.at = tag.end
    key, closing = tag.carried or tag.name, tag.name
    if tag.name == KEY_TAG:
        key, closing = _read_key(held), VALUE_TAG
    if tag.is_empty:
        call.texts[key] = ""
        return
    start = held.at
    end, held.at = _text_end(held, call, tag, key, closing)
    text = held.text[start:end]
    plain = _plain(text if end < held.at else text.rstrip())
    call.texts[key] = _value(plain, tag, is_declared=key in call.declared)


def _value(text: str, tag: Tag, *, is_declared: bool) -> object:
    """Return what the tag says that the text is; without a schema, no one else says it."""
    if tag.has_m3:
        return nested_value(text)
    value = read_strictly(text) if not is_declared and _JSON.search(tag.rest) else UNREADABLE
    return text if value is UNREADABLE else value


def _plain(text: str) -> str:
    """Return the text of a parameter without what its template puts around it."""
    if cdata := _CDATA.fullmatch(text):
        return cdata[1]
    return text[1:].removesuffix("\n") if text.startswith("\n") else text


def _read_key(held: Lookahead) -> str:
    found = held.find(TAGS, _KEY_CHARS_MAX)
    if not found:
        raise held.refused()
    key = held.text[held.at : found.start()].strip()
    tag = tag_of(found)
    held.at = tag.end if tag.is_closing else tag.start
    opener = next_tag(held)
    if not opener or opener.is_closing or opener.name != VALUE_TAG:
        raise held.refused()
    held.at = opener.end
    return key


def _text_end(held: Lookahead, call: Call, tag: Tag, key: str, closing: str) -> tuple[int, int]:
    """Return where the text of a parameter ends, and where to read on.

    A closing tag counts if the structure of the call continues behind it: a text may contain such a tag. If it is
    missing, the next parameter ends the text, or the end of the call.
    """
    next_start = 0
    for found in TAGS.finditer(held.text, held.at, held.end):
        other = tag_of(found)
        if tag.has_m3 and not other.has_m3:
            continue
        if other.is_closing and other.name == closing:
            if _continues(held, call, other.end):
                return other.start, other.end
        elif other.is_closing and (other.name == call.tag or other.name in WRAPPER_TAGS):
            if _ends(held, other.end):
                start = next_start or other.start
                return start, start
        elif not other.is_closing and _opens_next(call, tag, key, other):
            if closing != tag.name or tag.name in PARAMETER_TAGS:
                return other.start, other.start
            next_start = next_start or other.start  # unless this one is closed further on
    raise held.unfinished()


def _opens_next(call: Call, tag: Tag, key: str, other: Tag) -> bool:
    """Return whether another tag opens a parameter that was not given before."""
    if KEY_TAG in (tag.name, other.name):
        return tag.name == other.name
    if tag.name in PARAMETER_TAGS:
        return tag.name == other.name and other.carried != key and call.is_new(other.carried)
    return other.name != key and call.is_new(other.name)


def _continues(held: Lookahead, call: Call, at: int) -> bool:
    """Return whether something of a call follows, or the end of the answer."""
    at = held.space_end(at)
    if held.is_at_end(at):
        return True
    tag = tag_at(held, at)
    if not tag:  # it may be a mark
        return held.text[at] in "<[" and not held.text.startswith("</", at)
    return (
        tag.is_closing
        or call.opens_parameter(tag)
        or tag.name in CALL_TAGS | RECORD_TAGS | BRACKET_TAGS | WRAPPER_TAGS
    )


def _ends(held: Lookahead, at: int) -> bool:
    at = held.space_end(at)
    return held.is_at_end(at) or held.text[at] in "<[]"
