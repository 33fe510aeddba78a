"""A provider's answer, and what is known about it in the end."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from coderouter_proxy.errors import ProviderError


class Usage(NamedTuple):
    """Tokens as reported by the provider, the input without cached ones; None if not reported."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    reasoning_tokens: int | None = None
    """Part of the output."""
    nonsense: bool = False
    """The provider also reported something other than a number of tokens; it counts as not reported."""

    @property
    def is_known(self) -> bool:
        """Whether any number was reported."""
        return self[:5] != (None, None, None, None, None)


NO_USAGE = Usage()
"""The usage of an answer that has not reported any yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was changed in an answer.

    The `filters` that changed something, in the order they ran; the number of tool calls `repaired`, which were written
    as text; the fields `stripped` because they are not part of the wire.
    """

    filters: tuple[str, ...] = ()
    repaired: int = 0
    stripped: tuple[str, ...] = ()

    def __add__(self, other: "Changes") -> "Changes":
        if other is NO_CHANGES or self is NO_CHANGES:
            return self if other is NO_CHANGES else other
        return Changes(
            filters=self.filters + other.filters,
            repaired=self.repaired + other.repaired,
            stripped=self.stripped + other.stripped,
        )


NO_CHANGES = Changes()
"""Shared by nearly all answers, so that nothing is created for them."""


class AnswerLog(NamedTuple):
    """What was found out about an answer while it was relayed.

    `stop_reason` is the provider's, and `tool_calls` counts those that were text too. If the answer is `complete`, a
    client that disconnects has received all of it.
    """

    usage: Usage = NO_USAGE
    stop_reason: str | None = None
    tool_calls: int = 0
    changes: Changes = NO_CHANGES
    complete: bool = False


class Answer(NamedTuple):
    """An answer whose first content has arrived.

    `pieces` is the whole body, or yields bytes on the client's wire, whole events of a stream or the whole body at
    once, and raises `ProviderError` if the provider fails after its first content. The `aclose` of such a generator
    frees what the answer holds, also when no piece was taken: it is `started`. `log` returns what is known so far; it
    is complete after the last piece. `headers` of the provider's response are sent to the client.
    """

    pieces: AsyncGenerator[bytes] | bytes
    log: Callable[[], AnswerLog]
    headers: Sequence[tuple[bytes, bytes]] = ()


STARTED = b""
"""What a generator of pieces yields first if it holds something that its `finally` frees."""


async def started(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Return the generator after it has yielded `STARTED`: without a start, `aclose` would not run its `finally`."""
    await anext(pieces)
    return pieces


class Attempt(NamedTuple):
    """The result of one attempt: an answer that has begun, or an error.

    `waited_s` was spent on the network, up to the first content or the error. `key_index` says which of the
    provider's keys was sent, and `other_key` whether another one may work.
    """

    waited_s: float = 0.0
    answer: Answer | None = None
    error: ProviderError | None = None
    key_index: int | None = None
    other_key: bool = False
