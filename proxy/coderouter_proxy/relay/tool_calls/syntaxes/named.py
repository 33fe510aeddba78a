"""A name, then its arguments: DeepSeek, Kimi, Mistral, GLM, Solar; and ReAct's lines."""

import re
from typing import Final

import regex

from coderouter_proxy.relay.tool_calls.lookahead import Literals, Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_arguments
from coderouter_proxy.relay.tool_calls.syntaxes.parameters import BRACKET_TAGS, Call, read_parameters
from coderouter_proxy.relay.tool_calls.syntaxes.python_calls import NAME, python_arguments, read_python
from coderouter_proxy.relay.tool_calls.syntaxes.tag import next_tag
from coderouter_proxy.relay.tool_calls.syntaxes.tags import read_tagged
from coderouter_proxy.relay.tool_calls.syntaxes.unit import Unit, unit

NAME_FOLLOWS: Final = Literals(
    ("<｜tool▁sep｜>", "<｜tool_sep｜>", "<|tool_sep|>", "<|tool_call:name|>")  # noqa: RUF001
)
"""Between the kind or the number of a call and its name."""
ARGUMENTS_FOLLOW: Final = Literals(
    (
        *NAME_FOLLOWS.all, "[ARGS]", "<|tool_call_argument_begin|>", "<|tool_call:args|>", "<|message|>", "<tool_sep>",
        "```json", "```", "json", ":",
    )
)  # fmt: skip
ACTION_INPUTS: Final = Literals(("Action Input:", "ActionInput:", "Arguments:", "✿ARGS✿:"))
CALL_ID: Final = Literals(("[CALL_ID]",))
_FENCE = Literals(("```",))
_ARGS = Literals(("[ARGS]",))
_INLINE_SPACE = re.compile(r"[ \t]*")
_OBSERVATION = Literals(("Observation:",))
_OBJECT = regex.compile(r"""\{\s*+["'}]""")
_AROUND_NAME = re.compile(r"[ \t`*]*")
_LINE_END = re.compile(r"[^\n]*")
_ID = re.compile(r"[A-Za-z0-9_-]*")
_EMPTY = frozenset({"", "none", "null"})


def read_named(held: Lookahead, tools: Tools, call_tag: str = "") -> Unit:
    """Read a name and what follows it: tags, Python's parentheses, or separators and JSON."""
    written = held.run(NAME)
    name = tools.named(written)
    if name is None:
        if not written or not held.literal(NAME_FOLLOWS):
            raise held.refused()
        return read_tagged(held, tools) if held.skip_space() == "<" else read_named(held, tools, call_tag)
    if held.peek() == "(":
        return unit(held, python_arguments(held, tools, name), then=read_python)
    is_fenced = False
    while held.skip_space() != "{":
        if held.literal(CALL_ID):
            held.run(_ID)
        elif follows := held.literal(ARGUMENTS_FOLLOW):
            is_fenced = is_fenced or follows.startswith("```")
        else:
            break
    else:
        call = tools.call(name, read_arguments(held))
        if is_fenced and held.skip_space():
            held.literal(_FENCE)
        return unit(held, call)
    tag = next_tag(held)
    if call_tag and tag:
        ends_call = tag.is_closing and tag.name == call_tag
        opens_parameter = Call(call_tag, tools.parameters(name)).opens_parameter(tag)
        if ends_call or opens_parameter or tag.name in BRACKET_TAGS:
            return read_parameters(held, tools, name, call_tag)
    raise held.refused()


def read_line(held: Lookahead, tools: Tools) -> Unit:
    """Read a name at the beginning of a line that nothing opened, and its arguments: GLM 4, Mistral without its tokens.

    Raises:
        NotACall: the arguments are not JSON, not those of the tool, or lack some that it requires.
    """
    name = tools.named(held.run(NAME))
    if name is None:
        raise held.refused()
    held.run(_INLINE_SPACE)
    is_separate = bool(held.literal(_ARGS)) or held.peek() == "\n"
    held.skip_space()
    if not held.match_at(_OBJECT, held.at):
        raise held.refused()
    given = read_arguments(held)
    is_complete = tools.has_required(name, given) and given.keys() <= tools.parameters(name).keys()
    if not is_complete or not (given or is_separate):
        raise held.refused()
    return unit(held, tools.call(name, given), then=read_line)


def read_action(held: Lookahead, tools: Tools) -> Unit:
    """Read the name of the tool behind `Action:`, and the line of its arguments."""
    held.run(_AROUND_NAME)
    name = tools.named(held.run(NAME).rstrip("*"))
    if name is None:
        raise held.refused()
    held.run(_AROUND_NAME)
    if held.peek() == "(":
        return unit(held, python_arguments(held, tools, name))
    if held.peek() != "\n" or not held.skip_space():
        raise held.refused()
    held.run(_AROUND_NAME)
    if not held.literal(ACTION_INPUTS):
        raise held.refused()
    held.run(_AROUND_NAME)
    call = tools.call(name, _action_input(held, tools, name))
    if held.skip_space() == "`":
        held.literal(_FENCE)
    _skip_observation(held)
    return unit(held, call)


def _action_input(held: Lookahead, tools: Tools, name: str) -> dict[str, object]:
    while held.skip_space() != "{":
        if not held.literal(ARGUMENTS_FOLLOW):
            text = held.run(_LINE_END).strip().lower()
            if text not in _EMPTY or not tools.has_required(name, {}):
                raise held.refused()
            return {}
    return read_arguments(held)


def _skip_observation(held: Lookahead) -> None:
    """Read the word at which a server should have ended the answer."""
    end = held.at
    held.skip_space()
    if not held.literal(_OBSERVATION) or held.skip_space():
        held.at = end
