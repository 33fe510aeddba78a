"""What the client gets when every provider of the chain has failed: the status and the error."""

from math import ceil, inf

from coderouter_events.closed_sets import Outcome
from coderouter_events.events import ChainPaidGateBlocked, ChainUniformAuthFailure
from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import HttpError, ProviderError
from coderouter_proxy.routing.router import Emit
from coderouter_proxy.wires.refusals import retry_after_s

PAID_HINT = "set allow_paid: true in providers.yaml or ALLOW_PAID=true, or add a provider that is not paid"
TOO_LONG_WORDS = "prompt is too long"  # Claude Code, codex and others look for them
AUTH_HINT = "check api_key_env of these providers and the variables it names"


class ChainExhausted(HttpError):
    """No provider answered; `outcome` says what to blame: the request or the chain."""

    def __init__(self, outcome: Outcome, error: HttpError) -> None:
        super().__init__(
            error.status,
            error.message,
            code=error.code,
            retry_after=error.retry_after,
            retry_is_vain=error.retry_is_vain,
        )
        self.outcome: Outcome = outcome


def chain_exhausted(
    request_id: str,
    profile: Profile,
    errors: list[tuple[str, ProviderError]],
    *,
    blocked: list[str],
    over_budget: list[str],
    emit: Emit,
) -> ChainExhausted:
    """Return the message for the client after these errors, by provider; what concerns the operator is emitted."""
    found = [error for _, error in errors]
    if not found:
        return _no_candidates(request_id, profile, blocked, over_budget, emit)
    if (refused := _refusal(found)) is not None:
        return ChainExhausted("client_error", refused)
    first = found[0]
    all_keys_refused = len({error.status for error in found}) == 1 and first.status in (401, 403)
    if all_keys_refused:
        emit(
            ChainUniformAuthFailure(
                request_id=request_id,
                profile=profile.name,
                status=first.status or 0,
                count=len(found),
                providers=[name for name, _ in errors],
                hint=AUTH_HINT,
            )
        )
    status = _status(found)
    reasons = "; ".join(f"{name}: {error.error_type}: {error.message}" for name, error in errors)
    return ChainExhausted(
        "exhausted",
        HttpError(
            status,
            f"no provider of profile {profile.name!r} answered: {reasons}",
            code="providers_overloaded" if status == 503 else "providers_exhausted",
            retry_after=_shortest_wait(found) if status in (429, 503) else None,
            retry_is_vain=all_keys_refused,
        ),
    )


def _refusal(errors: list[ProviderError]) -> HttpError | None:
    """Return what the client gets where a provider refused the request itself: the first such refusal.

    A prompt that was too long for any is reported as that, in the words that make agents compact.
    """
    too_long = next((error for error in errors if error.too_long), None)
    if too_long is not None:
        message = (
            too_long.message
            if TOO_LONG_WORDS in too_long.message
            else f"{TOO_LONG_WORDS}: {too_long.message}"
        )
        return HttpError(400, message, code="context_length_exceeded", retry_is_vain=True)
    first = next((error for error in errors if error.about_request), None)
    return HttpError(first.status or 400, first.message, retry_is_vain=True) if first else None


def _status(errors: list[ProviderError]) -> int:
    """Return 429 or 503 where all providers are only busy, else 502."""
    kinds = {error.error_type for error in errors}
    if not kinds <= {"rate_limited", "overloaded"}:
        return 502
    return 429 if "rate_limited" in kinds else 503


def _shortest_wait(errors: list[ProviderError]) -> str | None:
    """Return the whole seconds after which the first of the providers may answer again."""
    waits = [wait_s for error in errors if (wait_s := retry_after_s(error.retry_after)) and 0 < wait_s < inf]
    return str(ceil(min(waits))) if waits else None


def _no_candidates(
    request_id: str, profile: Profile, blocked: list[str], over_budget: list[str], emit: Emit
) -> ChainExhausted:
    if over_budget:
        reason = f"the monthly budget of {', '.join(over_budget)} is spent, and profile {profile.name!r} has no other"
        return ChainExhausted("blocked", HttpError(503, reason, code="budget_exceeded", retry_is_vain=True))
    if not blocked:
        reason = (
            f"none of the providers of profile {profile.name!r} is configured: {', '.join(profile.names)}"
        )
        return ChainExhausted(
            "exhausted", HttpError(502, reason, code="providers_exhausted", retry_is_vain=True)
        )
    emit(
        ChainPaidGateBlocked(
            request_id=request_id, profile=profile.name, blocked_providers=blocked, hint=PAID_HINT
        )
    )
    reason = (
        f"all providers of profile {profile.name!r} are paid ({', '.join(blocked)}) and allow_paid is false"
    )
    return ChainExhausted(
        "blocked", HttpError(503, f"{reason}; {PAID_HINT}", code="paid_gate_blocked", retry_is_vain=True)
    )
