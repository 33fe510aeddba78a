"""What a provider answers, and the tokens it took."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field


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

    `pieces` yields bytes of the client's wire and raises `ProviderError` when the provider fails after its first
    content. By then the rest is filled in.
    """

    pieces: AsyncGenerator[bytes] = field(init=False)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    stop_reason: str | None = None
    complete: bool = False
    repaired: int = 0
    filtered: list[str] = field(default_factory=list)
    stripped: list[str] = field(default_factory=list)
