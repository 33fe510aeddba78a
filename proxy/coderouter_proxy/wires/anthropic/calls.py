"""Tool calls of servers that deviate from Anthropic."""

from typing import Final

from coderouter_proxy.wires.json_values import written

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


def arguments_text(given: object) -> str:
    """Return the JSON text of arguments, which are an object in a block and a text in deltas, or the other way round.

    Raises:
        ProviderError: they are nested too deeply to be written.
    """
    if isinstance(given, str):
        return given
    return written(given, retryable=True) if given else ""
