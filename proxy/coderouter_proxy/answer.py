"""What a provider answers, and what is known of the answer when it is over."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from coderouter_proxy.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider reported them, cached ones not part of the input; None where it reported nothing."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was changed in an answer.

    The `filters` that changed something, in the order in which they ran; how many tool calls that were written as
    text were `repaired`; the fields `stripped` because they are not part of the wire.
    """

    filters: tuple[str, ...] = ()
    repaired: int = 0
    stripped: tuple[str, ...] = ()

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(
            filters=self.filters + other.filters,
            repaired=self.repaired + other.repaired,
            stripped=self.stripped + other.stripped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLog:
    """What was learnt of an answer while it was relayed.

    `stop_reason` is in the provider's words. Once it is `complete`, a client that disconnects has all that it asked
    for.
    """

    usage: Usage = Usage()
    stop_reason: str | None = None
    changes: Changes = Changes()
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer whose first content is there.

    `pieces` yields bytes of the client's wire, whole events of a stream or the whole body at once, and raises
    `ProviderError` when the provider fails after its first content. `log` returns what is known by now, which is all
    once the pieces are over. `headers` of the provider's response go to the client.
    """

    pieces: AsyncGenerator[bytes]
    log: Callable[[], AnswerLog]
    headers: Sequence[tuple[bytes, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one try of a provider began: with an answer, or with the error that ended it.

    `waited_s` was spent on the network, up to the first content or the error.
    """

    waited_s: float = 0.0
    answer: Answer | None = None
    error: ProviderError | None = None
