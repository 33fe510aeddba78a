"""Requests that are longer than a provider's context: it is skipped, and the client may have to shorten them."""

import asyncio
from collections.abc import Mapping, Sequence

from coderouter_events.events import SkipShortContext
from coderouter_proxy import token_estimate
from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing.context_file import RATIO_MAX
from coderouter_proxy.routing.contexts import Contexts
from coderouter_proxy.routing.router import Routing
from coderouter_proxy.wires.clients import PASSED_ON

ESTIMATE_BYTES_INLINE_MAX = 256 * 1024
"""Ten milliseconds of work, if the request is in small pieces."""
TOKENS_PER_BYTE_MAX = RATIO_MAX / token_estimate.CHARS_PER_TOKEN

# Anthropic's flag for the long context of models that have 200,000 tokens without it.
_BETA, _LONG_CONTEXT, LONG_CONTEXT_TOKENS = b"anthropic-beta", b"context-1m", 1_000_000


class Length:
    """The estimated tokens of a request, and the windows of the providers that have one, by name.

    Nothing is estimated before it is used, nor for a request that is so far below all windows that its bytes say so.
    """

    __slots__ = ("_estimate", "_is_far_below", "_request", "contexts", "windows")

    def __init__(
        self, request: ClientRequest, windows: Mapping[str, int], contexts: Contexts, *, is_far_below: bool
    ) -> None:
        self._request = request
        self._estimate: int | None = None
        self._is_far_below = is_far_below
        self.windows = windows
        self.contexts = contexts

    @property
    def estimate(self) -> int:
        if self._estimate is None:
            self._estimate = token_estimate.estimate(self._request.outline)
        return self._estimate

    async def ready(self) -> None:
        """Estimate in a thread, which a long request needs."""
        if self._estimate is None:
            self._estimate = await asyncio.to_thread(token_estimate.estimate, self._request.outline)

    def excess(self, provider: Provider) -> tuple[int, int] | None:
        """Return the tokens that the provider would need and its window, if that is too small."""
        window = self.windows.get(provider.name)
        if window is None or self._is_far_below:
            return None
        needed = self.contexts.corrected(provider, self.estimate)
        return (needed, window) if needed > window else None

    def learn(self, provider: Provider, usage: Usage) -> None:
        """Learn from the usage of the provider's answer to the request."""
        window = self.windows.get(provider.name)
        if window is None or usage.input_tokens is None:
            return
        reported = usage.input_tokens + (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)
        self.contexts.learn(provider, window, self.estimate, reported)


async def length_of(
    request: ClientRequest, profile: Profile, routing: Routing, contexts: Contexts
) -> Length | None:
    """Return the length of the request; None where nothing depends on it.

    Of a request whose earlier part only a provider has, it is unknown.
    """
    if request.ingress in PASSED_ON or request.missed is not None:
        return None
    known = contexts.windows(profile, routing.clients, routing.capabilities)
    windows = known.by_name
    if not windows:
        return None
    is_far_below = request.only_texts and len(request.raw) * TOKENS_PER_BYTE_MAX <= known.smallest
    if is_far_below and not known.learn_from_next():
        return None
    if _LONG_CONTEXT in request.headers.get(_BETA, b""):
        windows = {name: _longest(window, routing.clients[name].provider) for name, window in windows.items()}
    length = Length(request, windows, contexts, is_far_below=is_far_below)
    if len(request.raw) > ESTIMATE_BYTES_INLINE_MAX:
        await length.ready()
    return length


def _longest(window: int, provider: Provider) -> int:
    return max(window, LONG_CONTEXT_TOKENS) if provider.kind == "anthropic" else window


def refusals(skipped: Sequence[SkipShortContext]) -> list[tuple[str, ProviderError]]:
    """Return the message for the client about the skipped providers, the one with the largest window first."""
    return [
        (
            each.provider,
            ProviderError(
                "upstream_4xx",
                # Claude Code reads both numbers, and compacts as much as it has to.
                f"prompt is too long: {each.needed_tokens} tokens > {each.window_tokens} maximum",
                status=400,
                about_request=True,
                too_long=True,
            ),
        )
        for each in sorted(skipped, key=lambda each: -each.window_tokens)
    ]
