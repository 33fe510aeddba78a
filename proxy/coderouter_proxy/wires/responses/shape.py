"""The events of a stream and the parts of an item, by their types."""

from collections.abc import Iterator
from typing import Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires import json_values

TEXTS: Final = {
    "response.output_text.delta": ("message", "text"),
    "response.refusal.delta": ("message", "text"),
    "response.reasoning_summary_text.delta": ("reasoning", "summary"),
    "response.reasoning_text.delta": ("reasoning", "content"),
    "response.function_call_arguments.delta": ("function_call", "arguments"),
    "response.custom_tool_call_input.delta": ("custom_tool_call", "input"),
}
"""By type of the events that add text: the type of its item, and the part of it that they extend."""
CALLS: Final = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "tool_search_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
        "computer_call",
    }
)
"""Types of items that call a tool of the client; all other calls run at the vendor."""
STATUSES: Final = frozenset({"completed", "incomplete", "failed"})
"""Of a response that has ended."""
LAST: Final = frozenset(f"response.{status}" for status in STATUSES)
BEGIN: Final = frozenset({"response.created", "response.queued", "response.in_progress"})


def texts(parts: object) -> list[str]:
    """Return the texts of the parts of a message, a summary or reasoning."""
    return list(_texts(parts))


def _texts(parts: object) -> Iterator[str]:
    if isinstance(parts, str):
        yield parts
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, dict):
            text = json_values.words(part.get("text")) or json_values.words(part.get("refusal"))
            if text:
                yield text


def response_in(chunk: Body) -> Body:
    """Return the response that an event or a body holds; empty if it holds none."""
    if "type" not in chunk:
        return chunk if isinstance(chunk.get("output"), list) else {}
    inner = chunk.get("response")
    return inner if isinstance(inner, dict) else {}
