"""What can go wrong: with a provider, with a client's request, with the client's connection; and what a provider's
error status means for the chain."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import orjson

from coderouter_events.events import ErrorType
from coderouter_proxy.redact import scrubbed

CLIENT_LEFT = "the client closed its connection"
SHUTTING_DOWN = "the proxy is shutting down"

STATUS_ERRORS: dict[int, ErrorType] = {
    401: "auth",
    402: "auth",  # the account's fault, not the client's: the balance is spent
    403: "auth",
    404: "not_found",
    429: "rate_limited",
    503: "overloaded",
    529: "overloaded",
}
RETRYABLE_4XX = frozenset({401, 402, 403, 404, 408, 409, 425, 429})

# What servers say when a prompt exceeds their model's context: OpenAI, Anthropic, llama.cpp, vLLM, Ollama, Groq.
TOO_LONG_PHRASES = (
    "context_length_exceeded",
    "context length",
    "context size",
    "context window",
    "prompt is too long",
    "input is too long",
    "too many tokens",
    "reduce the length",
)


class ProviderError(Exception):
    """A provider did not answer, or did not end its answer.

    `retryable` says that the next provider may do better. `too_long` marks a prompt that does not fit this
    provider's model: the next one is tried, yet the client needs to read the words.
    """

    def __init__(
        self,
        error_type: ErrorType,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = True,
        retry_after: str | None = None,
        too_long: bool = False,
    ) -> None:
        super().__init__(message)
        self.error_type: Final[ErrorType] = error_type
        self.message: Final = message
        self.status: Final = status
        self.retryable: Final = retryable
        self.retry_after: Final = retry_after
        self.too_long: Final = too_long

    def scrubbed(self, *secrets: str) -> "ProviderError":
        """Return the same error without the secrets, and without whatever looks like a key, in its message."""
        return ProviderError(
            self.error_type,
            scrubbed(self.message, *secrets),
            status=self.status,
            retryable=self.retryable,
            retry_after=self.retry_after,
            too_long=self.too_long,
        )


class StreamBrokeOff(ProviderError):
    """A stream ended without a stop reason and without the event that ends it."""

    def __init__(self) -> None:
        super().__init__("protocol", "the stream broke off: no stop reason and no end")


class HttpError(Exception):
    """The client gets an error instead of an answer; each wire has its own body for it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after


def shutting_down() -> HttpError:
    """Return what a request gets to read that takes longer than the proxy can wait for its own end."""
    return HttpError(503, f"{SHUTTING_DOWN}; ask again", code="shutting_down", retry_after="1")


class ClientDisconnected(Exception):
    """The client closed its connection before its answer was complete."""


def by_status(
    status: int, message: str, retry_after: str | None = None, *, in_answer: bool = False
) -> ProviderError:
    """Return the error that an upstream's status stands for; one inside of an answer is always the provider's."""
    if status // 100 == 3:
        return ProviderError("protocol", f"redirects with {status}; correct base_url", status=status)
    too_long = status == 400 and any(phrase in message.lower() for phrase in TOO_LONG_PHRASES)
    by_class: ErrorType = "upstream_5xx" if status >= 500 else "upstream_4xx"
    return ProviderError(
        STATUS_ERRORS.get(status, by_class),
        message,
        status=status,
        retryable=in_answer or status >= 500 or status in RETRYABLE_4XX or too_long,
        retry_after=retry_after,
        too_long=too_long,
    )


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
    except ValueError:
        return None
    if until.tzinfo is None:  # "-0000": a time in UTC of unknown origin
        until = until.replace(tzinfo=UTC)
    return (until - datetime.now(UTC)).total_seconds()


def error_message(body: bytes) -> str:
    """Return the words of an error body in any of the shapes servers use, or its beginning, or nothing."""
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:300].decode(errors="replace").strip()
    return message_in(decoded)


def message_in(decoded: object) -> str:
    """Return the words in `{"error": {"message"}}`, `{"error": "…"}`, `{"message"}` or `{"detail"}`."""
    while isinstance(decoded, dict):
        decoded = next((decoded[key] for key in ("error", "message", "detail") if decoded.get(key)), "")
    if isinstance(decoded, str):
        return decoded
    try:
        return orjson.dumps(decoded).decode()[:300]
    except orjson.JSONEncodeError:  # nested deeper than it writes
        return ""
