"""Calls as tags: Qwen Coder, GLM, MiniMax, DSML, Kimi K3, Cline and their kin."""

import html
import re
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX, Lookahead, NotACall
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.skips import Until
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_bare_objects
from coderouter_proxy.relay.tool_calls.syntaxes.parameters import (
    BRACKET_TAGS,
    CALL_TAGS,
    KEY_TAG,
    PARAMETER_TAGS,
    RECORD_TAGS,
    read_parameters,
)
from coderouter_proxy.relay.tool_calls.syntaxes.tag import end_of, next_tag
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit

NAME_TAGS: Final = frozenset({"tool_name", "name"})
SERVER_TAG: Final = "server_name"
_RECORD_TAGS_MAX = 3
_NAME_CHARS_MAX = 300

_TOOL_TAG = regex.compile(r"<([A-Za-z_][\w.-]{0,127})(?=[\s/>])")
_ATTRIBUTE = regex.compile(r"""\s+([A-Za-z_][\w.-]{0,127})\s*=\s*(["'])""")
_VALUE_ENDS = {quote: re.compile(rf"{quote}(?=\s*(?:/?>|[A-Za-z_][\w.-]{{0,127}}\s*=))") for quote in "\"'"}
_WRAPPER = regex.compile(
    r"<([\w:.-]{0,40}(?:tool|function|call|action|invoke|json)[\w:.-]{0,40})>\s*+(?=[{\[])", regex.IGNORECASE
)
_TAG_END = regex.compile(r"\s*(/?)>")


def read_tagged(held: Lookahead, tools: Tools, call_tag: str = "") -> Unit:
    """Read a tag that carries the name of a tool, encloses it, or has it as its own name; then the parameters.

    `call_tag` is a tag in front that has been read: it may enclose the name, too.
    """
    tag = next_tag(held)
    if not tag or tag.is_closing or tag.is_empty:
        return _read_tool_tag(held, tools)
    if tag.name in CALL_TAGS and tag.carried:
        held.at, name, call_tag = tag.end, tools.named(tag.carried), tag.name
    elif tag.name in NAME_TAGS and call_tag in RECORD_TAGS:
        name = _enclosed_name(held, tools)
    elif tag.name in RECORD_TAGS:
        held.at, call_tag = tag.end, tag.name
        if held.skip_space() in ("{", "["):
            held.at = tag.start
            return _read_wrapped(held, tools)
        name = _enclosed_name(held, tools)
    else:
        return _read_tool_tag(held, tools)
    if name is None:
        raise _unknown(held, call_tag)
    return read_parameters(held, tools, name, call_tag)


def _enclosed_name(held: Lookahead, tools: Tools) -> str | None:
    """Read the tag that encloses the name of the tool; the name of a server may precede it."""
    for _ in range(_RECORD_TAGS_MAX):
        tag = next_tag(held)
        if not tag or tag.is_closing or tag.name not in {*NAME_TAGS, SERVER_TAG}:
            break
        held.at = tag.end
        closer = held.find(end_of(tag.name), _NAME_CHARS_MAX)
        if not closer:
            break
        text = held.text[held.at : closer.start()]
        held.at = closer.end()
        if tag.name in NAME_TAGS:
            return tools.named(text)
    raise held.refused()


def _unknown(held: Lookahead, call_tag: str) -> NotACall:
    """Return what to raise for a call of an unknown tool, whose parameters are skipped."""
    tag = next_tag(held)
    has_parameters = tag and not tag.is_closing and tag.name in PARAMETER_TAGS | BRACKET_TAGS | {KEY_TAG}
    return NotACall(held.at, Until(end_of(call_tag)) if has_parameters else None)


def _read_tool_tag(held: Lookahead, tools: Tools) -> Unit:
    """Read a tag that has the name of the tool as its own, with parameters as attributes, tags or JSON."""
    found = held.match_at(_TOOL_TAG, held.at)
    name = tools.named(found[1]) if found else None
    if not found or name is None:
        return _read_wrapped(held, tools)
    held.at = found.end()
    attributes: dict[str, object] = {}
    while attribute := held.match_at(_ATTRIBUTE, held.at):
        held.at = attribute.end()
        value_end = held.find(_VALUE_ENDS[attribute[2]], HELD_CHARS_MAX)
        if not value_end:
            raise held.unfinished()
        attributes[attribute[1]] = html.unescape(held.text[held.at : value_end.start()])
        held.at = value_end.end()
    end = held.match_at(_TAG_END, held.at)
    if not end or not attributes.keys() <= tools.parameters(name).keys():
        raise held.refused()
    held.at = end.end()
    if not attributes and not end[1]:
        return read_parameters(held, tools, name, found[1], needs_required=True)
    if not end[1]:
        closer = held.match_at(regex.compile(rf"\s*</{regex.escape(found[1])}\s*>"), held.at)
        if not closer:
            raise held.refused()
        held.at = closer.end()
    is_complete = tools.has_required(name, attributes)
    return unit(held, tools.call_of_texts(name, attributes) if is_complete else None)


def _read_wrapped(held: Lookahead, tools: Tools) -> Unit:
    """Read JSON in a tag that no family has, but whose name says what it is: models make some up."""
    opener = held.match_at(_WRAPPER, held.at)
    if not opener:
        raise held.refused()
    held.at = opener.end()
    read = read_bare_objects(held, tools)
    closer = held.match_at(regex.compile(rf"\s*</{regex.escape(opener[1])}\s*>"), held.at)
    if not closer:
        raise held.refused()
    held.at = closer.end()
    return read
