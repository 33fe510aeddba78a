"""What a provider's refusal means, in any shape that servers use: the kind of error, and how long to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from coderouter_events.closed_sets import ErrorType
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.wires import refusal_words

STATUS_ERRORS: dict[int, ErrorType] = {
    401: "auth",
    402: "auth",  # about the account, not the request: the balance is spent
    403: "auth",
    404: "not_found",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}

NOT_THE_REQUEST = frozenset({408, 409, 425})  # of the other 4xx: they may pass

# What servers say when a prompt exceeds their model's context.
TOO_LONG = re.compile(
    r"context[_ ]length|context[_ ]size|context[_ ]window"  # OpenAI, vLLM, Ollama, llama.cpp, LM Studio, MiniMax
    r"|(?:prompt|input|request) is too (?:long|large for)"  # Anthropic, Bedrock
    r"|too many (?:input )?tokens|reduce the length"  # Groq, Together
    r"|token count.{0,40}exceeds|tokens? exceeds? the configured limit"  # Gemini, Copilot, OpenAI
    r"|maximum (?:prompt|input) length|exceed\w* (?:the )?model(?:'s)? (?:token|context) limit"  # xAI, Kimi
    r"|range of input length|exceeds? (?:the )?max\w* (?:input|context|length|message tokens)"  # DashScope, Z.ai
    r"|input (?:length|tokens?)\b.{0,60}\bexceed",  # SGLang, TGI
    re.IGNORECASE,
)
# A limit of tokens in a time is about the account, not about the prompt: Groq's free tier answers 413 with it.
PER_TIME = re.compile(
    r"(?:tokens|requests|input tokens) per (?:minute|min|hour|day)|\b[TR]P[MD]\b", re.IGNORECASE
)

# The stop reasons of servers for answers that the model itself did not stop.
BROKEN_OFF = re.compile(
    r"error|abort|cancel|fail|time_?out|interrupted|insufficient_system_resource|malformed_function_call",
    re.IGNORECASE,
)
_ERROR_FIELDS = ("error", "detail", "errors", "error_msg", "error_message")
_CODE_FIELDS = ("code", "status", "status_code", "error_code")
_ANSWER_FIELDS = ("choices", "content", "usage", "delta")
_REASON_CHARS_MAX = 60

_WAIT = re.compile(
    r"(?:try|retry) again in (?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+)ms)?"
    r"|(?:try again|retry) (?:in|after) (?P<seconds>\d+(?:\.\d+)?) ?sec",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


def by_status(
    status: int,
    message: str,
    retry_after: str | None = None,
    failed_generation: str | None = None,
    *,
    too_long: bool = False,
) -> ProviderError:
    """Return the error that an upstream's status means; the next provider may do better after any of them.

    `too_long`: the server says by other means than its words that the prompt was.
    """
    if status // 100 == 3:
        return ProviderError("protocol", f"redirects with {status}; correct base_url", status=status)
    by_class: ErrorType = "upstream_5xx" if status >= 500 else "upstream_4xx" if status >= 400 else "protocol"
    kind = STATUS_ERRORS.get(status, by_class)
    if status in (400, 413, 422) and PER_TIME.search(message):
        kind = "rate_limited"
    about_request = kind == "upstream_4xx" and status not in NOT_THE_REQUEST
    return ProviderError(
        kind,
        message or f"error {status}",
        status=status,
        retry_after=retry_after or wait_in(message),
        about_request=about_request,
        too_long=about_request and (too_long or TOO_LONG.search(message) is not None),
        failed_generation=failed_generation,
    )


def refusal(status: int, body: bytes, retry_after: str | None, reason: str) -> ProviderError:
    """Return the error that a response other than 2xx means."""
    decoded = refusal_words.decoded(body)
    failed: str | None = None
    if decoded is None:
        message = refusal_words.in_text(body)
    else:
        message = refusal_words.message_in(decoded)
        retry_after = retry_after or _retry_delay(decoded)
        failed = _failed_generation(decoded)
    return by_status(status, message or f"HTTP {status} {reason}".rstrip(), retry_after, failed)


def reported(decoded: object, statuses: Mapping[str, int]) -> ProviderError | None:
    """Return the error in an event of a stream, or in a body of status 200; None if it holds none.

    All shapes that servers use are read: `{"error"}` as an object or text, `{"object": "error"}`, `{"type": "error"}`,
    `{"detail"}`, `{"message", "code"}`, and lists of them. `statuses` has those of the wire's types of errors.
    """
    if isinstance(decoded, list):
        found = (
            reported(entry, statuses)
            for entry in decoded[: refusal_words.LISTED_ERRORS_MAX]
            if isinstance(entry, dict)
        )
        return next((error for error in found if error is not None), None)
    if not isinstance(decoded, dict) or not _is_error(decoded):
        return None
    error = decoded.get("error")
    inner = error if isinstance(error, dict) else decoded
    status = _status(inner, statuses) or _status(decoded, statuses) or 500
    return by_status(status, refusal_words.message_in(decoded), failed_generation=_failed_generation(decoded))


def stopped_by(reason: str) -> ProviderError | None:
    """Return the error that a stop reason means; None if the model itself stopped."""
    if not BROKEN_OFF.search(reason):
        return None
    kind: ErrorType = "overloaded" if "resource" in reason.lower() else "upstream_5xx"
    return ProviderError(kind, f"the model stopped because of {reason[:_REASON_CHARS_MAX]!r}")


def _is_error(decoded: dict[str, object]) -> bool:
    if decoded.get("error") or decoded.get("type") == "error" or decoded.get("object") == "error":
        return True
    if any(map(decoded.get, _ANSWER_FIELDS)):
        return False
    if any(map(decoded.get, _ERROR_FIELDS)):
        return True
    coded = "type" not in decoded or any(map(decoded.get, _CODE_FIELDS))
    return coded and any(isinstance(decoded.get(name), str) for name in ("message", "msg"))


def _status(error: dict[str, object], statuses: Mapping[str, int]) -> int | None:
    kind = error.get("type")
    if isinstance(kind, str) and kind in statuses:
        return statuses[kind]
    for name in _CODE_FIELDS:
        code = error.get(name)
        if isinstance(code, str) and len(code) == 3 and code.isdecimal():
            code = int(code)
        if isinstance(code, int) and 400 <= code <= 599:
            return code
    return None


def retry_after_s(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for, as a number or as a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
        if until.tzinfo is None:  # "-0000": a time in UTC of unknown origin
            until = until.replace(tzinfo=UTC)
        return (until - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None


def wait_in(message: str) -> str | None:
    """Return the seconds that the words ask to wait, such as "Please try again in 7m12.5s"."""
    found = _WAIT.search(message)
    if found is None:
        return None
    amounts = {name: float(value) for name, value in found.groupdict().items() if value}
    factors = {"h": 3600, "m": 60, "s": 1, "ms": 0.001, "seconds": 1}
    seconds = sum(amount * factors[name] for name, amount in amounts.items())
    return f"{seconds:g}" if amounts else None


def _failed_generation(decoded: object) -> str | None:
    """Return the text of a model whose tool call its server could not read: Groq's 400 holds it."""
    error = decoded.get("error") if isinstance(decoded, dict) else None
    failed = error.get("failed_generation") if isinstance(error, dict) else None
    return failed if isinstance(failed, str) and failed else None


def _retry_delay(decoded: object) -> str | None:
    """Return the seconds of Google's RetryInfo among the details of an error."""
    body = decoded[0] if isinstance(decoded, list) and decoded else decoded
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (found := _DURATION.fullmatch(delay)):
            return found[1]
    return None
