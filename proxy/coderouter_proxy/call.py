"""What travels through the proxy: a client's call, a provider's answer, and what can go wrong with either."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coderouter_proxy.events import ErrorType, Ingress

Body = dict[str, Any]

CLIENT_LEFT = "the client closed its connection"
SHUTTING_DOWN = "the proxy is shutting down"


@dataclass(slots=True, kw_only=True)
class Call:
    """One client request, decoded; `body` is what the client sent and is never changed.

    `waited_s` adds up the time that tries spend on the network before their first content, or their failure.
    """

    request_id: str
    ingress: Ingress
    body: Body
    raw: bytes
    headers: Mapping[bytes, bytes]
    stream: bool
    waited_s: float = 0.0


@dataclass(slots=True)
class Usage:
    """Tokens as the provider told them, cached ones not part of the input; None where it said nothing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None


@dataclass(slots=True)
class Answer:
    """What a provider answers, once its first content is there.

    `pieces` yields bytes of the client's wire, whole events of a stream or the whole body at once, and raises
    `Failure` when the provider fails after its first content. By then the rest is filled in: `usage`, `stop_reason`
    in the provider's words, how many tool calls made of text were `repaired`, which output filters changed something
    (`filtered`), and which fields that are not of the wire were `stripped`. Once it is `complete`, a client that
    leaves has all that it asked for. `headers` of the provider's response go to the client.
    """

    pieces: AsyncGenerator[bytes] = field(init=False)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    stop_reason: str | None = None
    complete: bool = False
    repaired: int = 0
    filtered: list[str] = field(default_factory=list)
    stripped: list[str] = field(default_factory=list)


class Failure(Exception):
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
        self.error_type: ErrorType = error_type
        self.message = message
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after
        self.too_long = too_long


class Refusal(Exception):
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


def shutting_down() -> Refusal:
    """Return what a request gets to read that takes longer than the proxy can wait for its own end."""
    return Refusal(503, f"{SHUTTING_DOWN}; ask again", code="shutting_down", retry_after="1")


class ClientGone(Exception):
    """The client closed its connection before its answer was complete."""
