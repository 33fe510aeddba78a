"""The fallback loop: send the request to the providers of a profile in order until one answers."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

from coderouter_events.events import (
    CapabilityDegraded,
    DegradedReason,
    OutputFilterApplied,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipUnknownProvider,
    ToolCallRepaired,
    TryProvider,
)
from coderouter_proxy.answer import Answer, Changes
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.providers.client import ProviderClient
from coderouter_proxy.redact import shortened
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.routing import capabilities, hosted
from coderouter_proxy.routing.exhausted import chain_exhausted
from coderouter_proxy.routing.router import Routing, Runtime


@dataclass(slots=True)
class Attempts:
    """What the loop did for one request, also when it did not succeed.

    `waited_s` adds up what the tries spent on the network before their first content, or their error.
    """

    count: int = 0
    provider: Provider | None = None
    errors: list[tuple[str, ProviderError]] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    over_budget: list[str] = field(default_factory=list)
    waited_s: float = 0.0


async def answer(
    request: ClientRequest, profile: Profile, routing: Routing, runtime: Runtime, attempts: Attempts
) -> Answer:
    """Return the answer of the first provider that has one; attempts are emitted and recorded in `attempts`.

    Raises:
        ChainExhausted: none has, or the client's request is at fault.
        HttpError: the request forces a tool that runs at a vendor, and no provider of the chain has it.
    """
    names = hosted.in_order(request, capabilities.in_order(request, profile, routing.capabilities), routing)
    for name in runtime.cooldowns.in_order(names) if profile.cooldown else names:
        client = routing.clients.get(name)
        if client is None:
            runtime.emit(SkipUnknownProvider(request_id=request.request_id, provider=name))
        elif client.provider.paid and not routing.config.allow_paid:
            attempts.blocked.append(name)
            runtime.emit(SkipPaidProvider(request_id=request.request_id, provider=name))
        elif (over := runtime.budgets.over(client.provider)) is not None:
            spent_usd, budget_usd = over
            attempts.over_budget.append(name)
            runtime.emit(
                SkipBudgetExceeded(
                    request_id=request.request_id, provider=name, spent_usd=spent_usd, budget_usd=budget_usd
                )
            )
        else:
            attempt = _Attempt(client, request, profile, runtime, attempts)
            found = await attempt.run(can_think=routing.capabilities[name].thinking)
            if isinstance(found, Answer):
                return found
            attempts.errors.append((name, found))
            if profile.cooldown:
                runtime.cooldowns.failed(name, found, profile.cooldown)
            if not found.retryable:
                break
    raise chain_exhausted(
        request.request_id,
        profile,
        attempts.errors,
        blocked=attempts.blocked,
        over_budget=attempts.over_budget,
        emit=runtime.emit,
    )


class _Attempt:
    """One try of one provider, and what is emitted for it."""

    def __init__(
        self,
        client: ProviderClient,
        request: ClientRequest,
        profile: Profile,
        runtime: Runtime,
        attempts: Attempts,
    ) -> None:
        self._client = client
        self._name = client.provider.name
        self._request = request
        self._profile = profile
        self._runtime = runtime
        self._emit = runtime.emit
        self._attempts = attempts
        self._started = time.perf_counter()

    async def run(self, *, can_think: bool) -> Answer | ProviderError:
        request_id, stream = self._request.request_id, self._request.stream
        self._attempts.count += 1
        self._emit(TryProvider(request_id=request_id, provider=self._name, stream=stream))
        sent = self._request
        if capabilities.wants_thinking(sent.body) and not can_think:
            sent = replace(
                sent, body={name: value for name, value in sent.body.items() if name != "thinking"}
            )
            self._emit_degraded(["thinking"], "provider-does-not-support")
        dropped: dict[str, None] = {}  # each name once, in the order of the first drop
        try:
            attempt = await self._client.attempt(sent, self._profile, dropped.setdefault)
        except asyncio.CancelledError as cancelled:
            self._attempts.waited_s += time.perf_counter() - self._started
            error = ProviderError("cancelled", str(cancelled) or "the request was cancelled", retryable=False)
            self._emit_failed(ProviderFailed, error)
            raise
        finally:
            if sent is not self._request:
                dropped.pop("thinking", None)  # emitted above
            self._emit_degraded(list(dropped), "translation-lossy")
        self._attempts.waited_s += attempt.waited_s
        if attempt.answer is None:
            assert attempt.error is not None
            error = attempt.error.scrubbed(self._client.key)
            self._emit_failed(ProviderFailed, error)
            return error
        duration_s = round(time.perf_counter() - self._started, 6)
        self._emit(
            ProviderOk(request_id=request_id, provider=self._name, stream=stream, duration_s=duration_s)
        )
        self._attempts.provider = self._client.provider
        return replace(attempt.answer, pieces=self._observed(attempt.answer))

    async def _observed(self, answer: Answer) -> AsyncGenerator[bytes]:
        """Pass the pieces on, and emit an error between them and what was changed."""
        cooldown = self._profile.cooldown
        try:
            async for piece in answer.pieces:
                yield piece
        except ProviderError as raw:
            error = raw.scrubbed(self._client.key)
            self._emit_failed(ProviderFailedMidstream, error)
            if cooldown:
                self._runtime.cooldowns.failed(self._name, error, cooldown)
            raise error from None
        else:
            if cooldown:
                self._runtime.cooldowns.succeeded(self._name)
        finally:
            self._emit_changes(answer.log().changes)
            await answer.pieces.aclose()

    def _emit_changes(self, changes: Changes) -> None:
        """Emit what was changed in the answer, once, if anything was."""
        request_id, name = self._request.request_id, self._name
        self._emit_degraded(list(changes.stripped), "non-standard-field")
        if changes.filters:
            self._emit(
                OutputFilterApplied(
                    request_id=request_id,
                    provider=name,
                    filters=list(changes.filters),
                    streaming=self._request.stream,
                )
            )
        if changes.repaired:
            self._emit(ToolCallRepaired(request_id=request_id, provider=name, count=changes.repaired))

    def _emit_degraded(self, dropped: list[str], reason: DegradedReason) -> None:
        if dropped:
            self._emit(
                CapabilityDegraded(
                    request_id=self._request.request_id, provider=self._name, dropped=dropped, reason=reason
                )
            )

    def _emit_failed(self, event: type[ProviderFailed], error: ProviderError) -> None:
        self._emit(
            event(
                request_id=self._request.request_id,
                provider=self._name,
                status=error.status,
                # After the first content nothing is tried again.
                retryable=error.retryable and event is not ProviderFailedMidstream,
                error_type=error.error_type,
                error=shortened(error.message),
                duration_s=round(time.perf_counter() - self._started, 6),
            )
        )
