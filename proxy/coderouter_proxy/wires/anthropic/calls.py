"""Tool calls of servers that deviate from Anthropic."""

from typing import Final

from coderouter_proxy.request import Body
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.json_values import words, written

_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
"""By the words of Chat Completions, which servers of both wires mix up."""


def stop_reason(reason: str, *, has_called: bool) -> str:
    """Return why the answer ended, in Anthropic's words: some servers name another reason if there are calls."""
    known = _REASONS.get(reason, reason)
    if known not in ("end_turn", "tool_use"):
        return known
    return "tool_use" if has_called else "end_turn"


class CallIds:
    """The ids of the calls of one answer: the vendor refuses a request in which two are the same."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, block: Body) -> str:
        """Return the id of a call; a new one if it has none of its own."""
        given = words(block.get("id"))
        own_id = new_id("toolu_") if not given or given in self._taken else given
        self._taken.add(own_id)
        return own_id


def arguments_text(given: object) -> str:
    """Return the JSON text of arguments, which are an object in a block and a text in deltas, or the other way round.

    Raises:
        ProviderError: they are nested too deeply to be written.
    """
    if isinstance(given, str):
        return given
    return written(given, retryable=True) if given else ""
