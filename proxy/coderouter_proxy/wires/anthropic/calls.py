"""Tool calls of servers that deviate from Anthropic."""

from coderouter_proxy.request import Body
from coderouter_proxy.wires.ids import new_id
from coderouter_proxy.wires.json_values import words, written

_ENDED = frozenset({"end_turn", "stop", "tool_calls", "function_call"})


def is_end(reason: object) -> bool:
    """Return whether servers report this of a complete answer, with calls in it or without."""
    return isinstance(reason, str) and reason in _ENDED


def call_id(block: Body) -> str:
    """Return the id of a call; a new one if it has none."""
    return words(block.get("id")) or new_id("toolu_")


def arguments_text(given: object) -> str:
    """Return the JSON text of arguments, which are an object in a block and a text in deltas, or the other way round.

    Raises:
        ProviderError: they are nested too deeply to be written.
    """
    if isinstance(given, str):
        return given
    return written(given, retryable=True) if given else ""
