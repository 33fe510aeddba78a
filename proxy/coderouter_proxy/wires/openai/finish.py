"""Why a model stopped, in the words of Chat Completions, whatever a server calls it."""

from typing import Final

from coderouter_proxy.request import Body

REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""All that the API reference has; typed clients accept no other."""
_SYNONYMS: Final = {
    "length": (
        "length_limit",
        "max_length",
        "max_new_tokens",
        "max_output_tokens",
        "max_tokens",
        "model_context_window_exceeded",
        "model_length",  # Mistral
    ),
    "content_filter": (
        "blocklist",
        "content_filtered",
        "function_call_filter",
        "guardrail_intervened",  # Bedrock
        "prohibited_content",
        "recitation",  # Gemini's, as are those around it
        "refusal",
        "safety",
        "sensitive",  # GLM
        "spii",
    ),
    "tool_calls": ("tool_call", "tool_use"),
}
_REASONS: Final = {name: reason for reason, names in _SYNONYMS.items() for name in (reason, *names)}


def known(reason: str) -> str:
    """Return the reason of the API reference that a server's own stands for; what nobody knows is a usual end."""
    if reason in REASONS:
        return reason
    kind = reason.lower().partition(":")[0].strip()  # Gemini writes the details behind it
    return _REASONS.get(kind, "stop")


def of(choice: Body) -> str | None:
    """Return why the choice ended; None if it has not."""
    reason = choice.get("finish_reason")
    return known(reason) if isinstance(reason, str) and reason else None
