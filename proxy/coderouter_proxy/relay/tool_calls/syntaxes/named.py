"""A name, then its arguments: DeepSeek, Kimi, Mistral, GLM, Solar; and ReAct's lines."""

import re
from typing import Final

from coderouter_proxy.relay.tool_calls.lookahead import Literals, Lookahead
from coderouter_proxy.relay.tool_calls.schema import Tools
from coderouter_proxy.relay.tool_calls.syntaxes.objects import read_arguments
from coderouter_proxy.relay.tool_calls.syntaxes.parameters import KEY_TAG, read_parameters
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
    if call_tag and tag and (tag.name == KEY_TAG or (tag.is_closing and tag.name == call_tag)):
        return read_parameters(held, tools, name, call_tag)
    raise held.refused()


def read_action(held: Lookahead, tools: Tools) -> Unit:
    """Read the name of the tool behind `Action:`, and the line of its arguments."""
    held.run(_AROUND_NAME)
    name = tools.named(held.run(NAME).rstrip("*"))
    if name is None:
        raise held.refused()
    held.run(_AROUND_NAME)
    if held.peek() != "\n" or not held.skip_space() or not held.literal(ACTION_INPUTS):
        raise held.refused()
    while held.skip_space() != "{":
        if not held.literal(ARGUMENTS_FOLLOW):
            text = held.run(_LINE_END).strip().lower()
            if text not in _EMPTY or not tools.has_required(name, {}):
                raise held.refused()
            return unit(held, tools.call(name, {}))
    return unit(held, tools.call(name, read_arguments(held)))
