"""The fallback loop: ask the providers of a profile in order until one answers."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

from coderouter_events.events import (
    CapabilityDegraded,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    DegradedReason,
    Outcome,
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
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import HttpError, ProviderError
from coderouter_proxy.redact import scrubbed, shortened
from coderouter_proxy.request import Call
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.capabilities import ModelCapabilities
from coderouter_proxy.routing.router import Emit, ProviderClient, Routing, Runtime

PAID_HINT = "set allow_paid: true in providers.yaml or ALLOW_PAID=true, or add a provider that is not paid"
AUTH_HINT = "check api_key_env of these providers and the variables it names"


@dataclass(slots=True)
class Attempts:
    """What the loop did for one request, also when it did not succeed."""

    attempts: int = 0
    provider: Provider | None = None
    failures: list[tuple[str, ProviderError]] = field(default_factory=list)
    over_budget: list[str] = field(default_factory=list)


class ChainExhausted(HttpError):
    """No provider answered; `outcome` says whose fault that is."""

    def __init__(self, outcome: Outcome, refusal: HttpError) -> None:
        super().__init__(refusal.status, refusal.message, code=refusal.code, retry_after=refusal.retry_after)
        self.outcome: Outcome = outcome


async def answer(call: Call, profile: Profile, routing: Routing, runtime: Runtime, tries: Attempts) -> Answer:
    """Return the answer of the first provider that has one; what was tried is noted and put into `tries`.

    Raises:
        ChainExhausted: none has, or the client's request is at fault.
    """
    blocked: list[str] = []
    names = capabilities.in_order(call, profile, routing.known)
    for name in runtime.cooldowns.in_order(names) if profile.cooldown else names:
        upstream = routing.upstreams.get(name)
        if upstream is None:
            runtime.note(SkipUnknownProvider(request_id=call.request_id, provider=name))
        elif upstream.provider.paid and not routing.config.allow_paid:
            blocked.append(name)
            runtime.note(SkipPaidProvider(request_id=call.request_id, provider=name))
        elif (over := runtime.budgets.over(upstream.provider)) is not None:
            spent_usd, budget_usd = over
            runtime.note(
                SkipBudgetExceeded(
                    request_id=call.request_id, provider=name, spent_usd=spent_usd, budget_usd=budget_usd
                )
            )
            tries.over_budget.append(name)
        else:
            try:
                return await _try(upstream, routing.known[name], call, profile, runtime, tries)
            except ProviderError as failure:
                tries.failures.append((name, failure))
                if profile.cooldown:
                    runtime.cooldowns.failed(name, failure, profile.cooldown)
                if not failure.retryable:
                    break
    raise _unanswered(call, profile, tries, blocked, runtime.note)


async def _try(
    upstream: ProviderClient,
    known: ModelCapabilities,
    call: Call,
    profile: Profile,
    runtime: Runtime,
    tries: Attempts,
) -> Answer:
    name = upstream.provider.name
    tries.attempts += 1
    runtime.note(TryProvider(request_id=call.request_id, provider=name, stream=call.stream))
    started = time.perf_counter()
    dropped: dict[str, None] = {}  # each name once, in the order of the first drop
    fitted = call
    if capabilities.wants_thinking(call.body) and not known.thinking:
        fitted = replace(call, body={name: value for name, value in call.body.items() if name != "thinking"})
        _degraded(call, name, ["thinking"], "provider-does-not-support", runtime.note)
    try:
        answer = await upstream.open(fitted, profile, dropped.setdefault)
    except ProviderError as failure:
        failure.message = scrubbed(failure.message, upstream.key)
        runtime.note(_failed(ProviderFailed, name, call, failure, started))
        raise
    except asyncio.CancelledError as cancelled:
        gone = ProviderError("cancelled", str(cancelled) or "the request was cancelled", retryable=False)
        runtime.note(_failed(ProviderFailed, name, call, gone, started))
        raise
    finally:
        call.waited_s = fitted.waited_s
        if fitted is not call:
            dropped.pop("thinking", None)  # noted above
        _degraded(call, name, list(dropped), "translation-lossy", runtime.note)
    duration_s = round(time.perf_counter() - started, 6)
    runtime.note(
        ProviderOk(request_id=call.request_id, provider=name, stream=call.stream, duration_s=duration_s)
    )
    tries.provider = upstream.provider
    answer.pieces = _watched(answer.pieces, answer, upstream, call, profile, runtime, started)
    return answer


def _degraded(call: Call, name: str, dropped: list[str], reason: DegradedReason, note: Emit) -> None:
    if dropped:
        note(CapabilityDegraded(request_id=call.request_id, provider=name, dropped=dropped, reason=reason))


async def _watched(
    pieces: AsyncGenerator[bytes],
    answer: Answer,
    upstream: ProviderClient,
    call: Call,
    profile: Profile,
    runtime: Runtime,
    started: float,
) -> AsyncGenerator[bytes]:
    """Pass the pieces on, and note a failure among them and what was repaired."""
    try:
        async for piece in pieces:
            yield piece
    except ProviderError as failure:
        failure.retryable = False
        failure.message = scrubbed(failure.message, upstream.key)
        runtime.note(_failed(ProviderFailedMidstream, upstream.provider.name, call, failure, started))
        if profile.cooldown:
            runtime.cooldowns.failed(upstream.provider.name, failure, profile.cooldown)
        raise
    else:
        if profile.cooldown:
            runtime.cooldowns.answered(upstream.provider.name)
    finally:
        _note_changes(answer, upstream.provider.name, call, runtime.note)
        await pieces.aclose()


def _note_changes(answer: Answer, name: str, call: Call, note: Emit) -> None:
    """Note what was done to the answer on its way, once and only where something was."""
    _degraded(call, name, answer.stripped, "non-standard-field", note)
    if answer.filtered:
        note(
            OutputFilterApplied(
                request_id=call.request_id, provider=name, filters=answer.filtered, streaming=call.stream
            )
        )
    if answer.repaired:
        note(ToolCallRepaired(request_id=call.request_id, provider=name, count=answer.repaired))


def _failed(
    event: type[ProviderFailed], name: str, call: Call, failure: ProviderError, started: float
) -> ProviderFailed:
    return event(
        request_id=call.request_id,
        provider=name,
        status=failure.status,
        retryable=failure.retryable,
        error_type=failure.error_type,
        error=shortened(failure.message),
        duration_s=round(time.perf_counter() - started, 6),
    )


def _unanswered(
    call: Call, profile: Profile, tries: Attempts, blocked: list[str], note: Emit
) -> ChainExhausted:
    """Return what the client gets to read when the chain is at its end."""
    failures = [failure for _, failure in tries.failures]
    if not failures:
        return _nobody_to_ask(call, profile, blocked, tries.over_budget, note)
    last = failures[-1]
    if not last.retryable or all(failure.too_long for failure in failures):
        return ChainExhausted("client_error", HttpError(last.status or 400, last.message))
    statuses = {failure.status for failure in failures}
    if len(statuses) == 1 and last.status in (401, 403):
        note(
            ChainUniformAuthFailure(
                request_id=call.request_id,
                profile=profile.name,
                status=last.status,
                count=len(failures),
                providers=[name for name, _ in tries.failures],
                hint=AUTH_HINT,
            )
        )
    busy = {failure.error_type for failure in failures} <= {"rate_limited", "overloaded"}
    status = (
        (429 if any(failure.error_type == "rate_limited" for failure in failures) else 503) if busy else 502
    )
    told = "; ".join(f"{name}: {failure.error_type}: {failure.message}" for name, failure in tries.failures)
    return ChainExhausted(
        "exhausted",
        HttpError(
            status,
            f"no provider of profile {profile.name!r} answered: {told}",
            code="providers_overloaded" if status == 503 else "providers_exhausted",
            retry_after=last.retry_after if busy else None,
        ),
    )


def _nobody_to_ask(
    call: Call, profile: Profile, blocked: list[str], over_budget: list[str], note: Emit
) -> ChainExhausted:
    if over_budget:
        what = f"the monthly budget of {', '.join(over_budget)} is spent, and profile {profile.name!r} has no other"
        return ChainExhausted("blocked", HttpError(503, what, code="budget_exceeded"))
    if not blocked:
        what = (
            f"none of the providers of profile {profile.name!r} is configured: {', '.join(profile.providers)}"
        )
        return ChainExhausted("exhausted", HttpError(502, what, code="providers_exhausted"))
    note(
        ChainPaidGateBlocked(
            request_id=call.request_id, profile=profile.name, blocked_providers=blocked, hint=PAID_HINT
        )
    )
    what = (
        f"all providers of profile {profile.name!r} are paid ({', '.join(blocked)}) and allow_paid is false"
    )
    return ChainExhausted("blocked", HttpError(503, f"{what}; {PAID_HINT}", code="paid_gate_blocked"))
