"""Read calls that follow one another, with what opens, separates and closes them."""

import re
from typing import Final

from coderouter_proxy.relay.tool_calls.lookahead import Literals, Lookahead, NotACall, TextualCall
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.bodies import LANGUAGE, TICKS, read_bare, read_body
from coderouter_proxy.relay.tool_calls.syntaxes.nested import M3
from coderouter_proxy.relay.tool_calls.syntaxes.table import CLOSERS, OPENERS, SYNTAXES
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Reader, Unit

_OPENERS_MAX = 6
_CLOSERS_MAX = 32
_FENCE_END = Literals(("```",))
_TAG_NAME = re.compile(r"<(?:\w{1,12}:(?!opensource)|longcat_)?(\w+)(?::opensource)?>\Z")

_PYTHON_LANGUAGES: Final = frozenset({"tool_code", "tool_call", "tool_calls", "function_call"})
CALL_LANGUAGES: Final = _PYTHON_LANGUAGES | {"", "json", "json5", "jsonc", "xml", "tool", "tools"}


def read_group(
    held: Lookahead, tools: Tools, opener: str = "", read_unopened: Reader = read_bare
) -> list[TextualCall]:
    """Read a call that begins here, or behind an opener that has been read, and all that directly follow it."""
    read = _opened(held, tools, opener) if opener else read_unopened(held, tools)
    calls = [*read.calls]
    while following := _next(held, tools, read):
        read = following
        calls += read.calls
    return calls


def read_fence(held: Lookahead, tools: Tools) -> list[TextualCall]:
    """Read a fence that contains nothing but calls, from its language to its end."""
    language = held.run(LANGUAGE).lower()
    if language not in CALL_LANGUAGES:
        raise held.refused()
    held.skip_space()
    opener = held.literal(OPENERS)
    is_python = language in _PYTHON_LANGUAGES
    if not opener and held.peek() not in ("{", "[", "<") and not is_python:
        raise held.refused()
    calls = read_group(held, tools, opener, read_body if is_python else read_bare)
    if held.skip_space() and not held.literal(_FENCE_END):
        raise held.refused()
    held.run(TICKS)
    return calls


def read_fences(held: Lookahead, tools: Tools) -> list[TextualCall]:
    """Read a fence behind its backticks, and fences that follow it."""
    calls = read_fence(held, tools)
    while True:
        skip_closers(held)
        end = held.at
        if held.skip_space() != "`" or len(held.run(TICKS)) < 3:
            held.at = end
            return calls
        try:
            calls += read_fence(held, tools)
        except NotACall:
            held.at = end
            return calls


def skip_closers(held: Lookahead) -> bool:
    """Read closers and stray brackets behind a call; return whether there were closers."""
    is_closed = False
    for _ in range(_CLOSERS_MAX):
        end = held.at
        char = held.skip_space()
        if held.literal(CLOSERS):
            is_closed = True
        elif char in ("}", "]") and not held.text.startswith(M3, held.at):
            held.at += 1
        else:
            held.at = end
            break
    return is_closed


def _opened(held: Lookahead, tools: Tools, opener: str) -> Unit:
    for _ in range(_OPENERS_MAX):
        syntax = SYNTAXES[opener]
        if syntax.read:
            return syntax.read(held, tools)
        held.skip_space()
        opener = held.literal(OPENERS)
        if not opener:
            tag = _TAG_NAME.match(syntax.opener.removeprefix(M3))
            return read_body(held, tools, tag[1] if tag else "")
    raise held.refused()


def _next(held: Lookahead, tools: Tools, previous: Unit) -> Unit | None:
    """Read what closes the previous call, and another one if it follows; otherwise leave `at` behind the closers."""
    is_closed = skip_closers(held)
    end = held.at
    try:
        return _following(held, tools, None if is_closed else previous)
    except NotACall:
        held.at = end
        _skip_last_opener(held)
        return None


def _skip_last_opener(held: Lookahead) -> None:
    """Read an opener that ends the answer: some models repeat it instead of its closer."""
    end = held.at
    held.skip_space()
    if not held.literal(OPENERS) or held.skip_space():
        held.at = end


def _following(held: Lookahead, tools: Tools, unclosed: Unit | None) -> Unit:
    char = held.skip_space()
    if char in (",", ";"):
        held.at += 1
        if held.skip_space() != "{":
            raise held.refused()
    if opener := held.literal(OPENERS):
        return _opened(held, tools, opener)
    if char and held.peek() in ("{", "[", "<", "]"):
        return read_bare(held, tools)
    if char and unclosed and unclosed.then:
        return unclosed.then(held, tools)
    raise held.refused()
