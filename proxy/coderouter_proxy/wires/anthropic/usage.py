"""The tokens of an answer, as servers that speak Messages report them."""

from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires.token_report import TokenReport

_FIELDS = {
    "input_tokens": ("input_tokens", "prompt_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens"),
    "cache_read_tokens": ("cache_read_input_tokens",),
    "cache_creation_tokens": ("cache_creation_input_tokens",),
}


def usage_in(chunk: Body, before: Usage) -> Usage:
    """Return the usage so far; later reports extend and correct earlier ones."""
    match chunk.get("type"):
        case "message_start":
            message = chunk.get("message")
            reported = message.get("usage") if isinstance(message, dict) else None
        case "message_delta" | "message":
            reported = chunk.get("usage")
        case _:
            return before
    report = TokenReport()
    counts = {field: report.count(reported, *names) for field, names in _FIELDS.items()}
    known = {field: number for field, number in counts.items() if number is not None}
    return before._replace(**known, nonsense=before.nonsense or report.nonsense)
