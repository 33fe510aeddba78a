"""What can go wrong: with a provider, with a client's request, with the client's connection."""

from typing import Final

from coderouter_events.closed_sets import ErrorType, StateKind
from coderouter_proxy.redact import scrubbed

CLIENT_LEFT = "the client closed its connection"
SHUTTING_DOWN = "the proxy is shutting down"


class ProviderError(Exception):
    """A provider did not answer, or did not end its answer.

    `retryable` says that the next provider may do better. `about_request` marks a refusal of what the client sent, and
    `too_long` a prompt that does not fit this provider's model: when no other takes it, the client gets these words.
    `retry_after` is in seconds or a date. `failed_generation` is what the model wrote, if its server refused it.
    """

    def __init__(
        self,
        error_type: ErrorType,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = True,
        retry_after: str | None = None,
        about_request: bool = False,
        too_long: bool = False,
        failed_generation: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error_type: Final[ErrorType] = error_type
        self.message: Final = message
        self.status: Final = status
        self.retryable: Final = retryable
        self.retry_after: Final = retry_after
        self.about_request: Final = about_request
        self.too_long: Final = too_long
        self.failed_generation: Final = failed_generation

    def scrubbed(self, *secrets: str) -> "ProviderError":
        """Return the same error without the secrets, and without whatever looks like a key, in its message."""
        return ProviderError(
            self.error_type,
            scrubbed(self.message, *secrets),
            status=self.status,
            retryable=self.retryable,
            retry_after=self.retry_after,
            about_request=self.about_request,
            too_long=self.too_long,
        )


class StreamBrokeOff(ProviderError):
    """A stream ended without a stop reason."""

    def __init__(self) -> None:
        super().__init__("protocol", "the stream broke off: it has no stop reason")


class HttpError(Exception):
    """The client gets an error instead of an answer; each wire has its own body for it.

    `retry_is_vain` keeps SDKs and agents from sending the same request again (`x-should-retry: false`).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: str | None = None,
        retry_is_vain: bool = False,
    ) -> None:
        super().__init__(message)
        self.status: Final = status
        self.message: Final = message
        self.code: Final = code
        self.param: Final = param
        self.retry_after: Final = retry_after
        self.retry_is_vain: Final = retry_is_vain


class NotKept(HttpError):
    """The client refers to an item or a response that this process does not have."""

    def __init__(
        self, what: StateKind, message: str, *, status: int, param: str, code: str | None = None
    ) -> None:
        super().__init__(status, message, code=code, param=param)
        self.what: Final = what


def shutting_down() -> HttpError:
    """Return the error of a request that did not finish while the proxy was shutting down."""
    return HttpError(503, f"{SHUTTING_DOWN}; ask again", code="shutting_down", retry_after="1")


class ClientDisconnected(Exception):
    """The client closed its connection before its answer was complete."""
