"""Remove tags of tool calls that are left in an answer where no call was recognised."""

from functools import cache
from typing import Final

from coderouter_proxy.relay.marks import ANYTHING, NAME, Marks
from coderouter_proxy.relay.output_filters.strip_marks import StripMarks
from coderouter_proxy.relay.prose import Mark

_ELEMENTS = (
    "tool_call",  # Qwen, Hermes, GLM and many more
    "tool_calls",  # Jamba, Hunyuan
    "toolcall",  # Nemotron
    "tool_use",
    "tool_response",
    "function_call",
    "function_calls",
    "functioncall",
    "arg_key",  # GLM
    "arg_value",
    "minimax:tool_call",
    "seed:tool_call",
    "longcat_tool_call",
    "longcat_arg_key",
    "longcat_arg_value",
    "ifm|tool_calls",  # K2 Horizon
    "ifm|tool_call",
    "steptml:toolcall",  # Step 3
)
_WITH_NAMES = ("invoke", "parameter", "function")  # a name follows the element's

TOOL_CALL_TAGS: Final = (
    *(f"<{slash}{element}>" for element in _ELEMENTS for slash in ("", "/")),
    *(f"<{element}{sign}{ANYTHING}>" for element in _WITH_NAMES for sign in ("=", " name=")),
    *(f"</{element}>" for element in _WITH_NAMES),
    f"<seed:function={ANYTHING}>",
    f"<atem:{ANYTHING}>",
    f"</atem:{ANYTHING}>",
    f"<steptml:invoke{ANYTHING}>",
    "</steptml:invoke>",
    f"<steptml:parameter{ANYTHING}>",
    "</steptml:parameter>",
    f"<｜DSML｜{ANYTHING}>",  # noqa: RUF001 (DeepSeek V3.2, V4)
    f"</｜DSML｜{ANYTHING}>",  # noqa: RUF001
    f"<|DSML|{ANYTHING}>",
    f"</|DSML|{ANYTHING}>",
    "<|tool_call>",  # Gemma 4
    "<tool_call|>",
    "<|tool_response>",
    "<tool_response|>",
    "<start_function_call>",  # functiongemma
    "<end_function_call>",
    "[TOOL_CALLS]",  # Mistral
    "[/TOOL_CALLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[CALL_ID]",
    "[ARGS]",
    "]<]minimax[>[",  # MiniMax M3
    *(
        f"<|{side}|>{tag}{ANYTHING}<|sep|>"  # Kimi K3
        for side in ("open", "close")
        for tag in ("tools", "call", "argument", "json")
    ),
    f"<|{NAME}|>",
    f"<|/{NAME}|>",
    f"<｜{NAME}｜>",  # noqa: RUF001
)
_OF_TOOL_CALLS = ("tool", "dsml", "action", "constrain", "function", "plugin")


@cache
def _marks() -> Marks:
    return Marks(TOOL_CALL_TAGS)


class StripToolCallXml(StripMarks):
    """Removes `TOOL_CALL_TAGS`; what is between them stays."""

    def __init__(self) -> None:
        super().__init__(_marks())

    def _is_text(self, mark: Mark) -> bool:
        return NAME in mark.mark and not is_of_tool_call(mark) and mark.text.lower() != "<|python_tag|>"


def is_of_tool_call(mark: Mark) -> bool:
    """Return whether a special token belongs to a tool call."""
    has_name = NAME in mark.mark or ANYTHING in mark.mark
    return has_name and any(word in mark.text.lower() for word in _OF_TOOL_CALLS)
