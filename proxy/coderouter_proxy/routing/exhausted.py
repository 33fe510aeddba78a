"""What the client gets when the chain is at its end: whose fault that is, and the status that says so."""

from coderouter_events.events import ChainPaidGateBlocked, ChainUniformAuthFailure, Outcome
from coderouter_proxy.config.schema import Profile
from coderouter_proxy.errors import HttpError, ProviderError
from coderouter_proxy.routing.router import Emit

PAID_HINT = "set allow_paid: true in providers.yaml or ALLOW_PAID=true, or add a provider that is not paid"
AUTH_HINT = "check api_key_env of these providers and the variables it names"


class ChainExhausted(HttpError):
    """No provider answered; `outcome` says whose fault that is."""

    def __init__(self, outcome: Outcome, error: HttpError) -> None:
        super().__init__(error.status, error.message, code=error.code, retry_after=error.retry_after)
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
    """Return what the client gets to read after these errors, by provider; what concerns the operator is emitted."""
    found = [error for _, error in errors]
    if not found:
        return _no_candidates(request_id, profile, blocked, over_budget, emit)
    last = found[-1]
    if not last.retryable or all(error.too_long for error in found):
        return ChainExhausted("client_error", HttpError(last.status or 400, last.message))
    if len({error.status for error in found}) == 1 and last.status in (401, 403):
        emit(
            ChainUniformAuthFailure(
                request_id=request_id,
                profile=profile.name,
                status=last.status,
                count=len(found),
                providers=[name for name, _ in errors],
                hint=AUTH_HINT,
            )
        )
    status, busy = _status(found)
    reasons = "; ".join(f"{name}: {error.error_type}: {error.message}" for name, error in errors)
    return ChainExhausted(
        "exhausted",
        HttpError(
            status,
            f"no provider of profile {profile.name!r} answered: {reasons}",
            code="providers_overloaded" if status == 503 else "providers_exhausted",
            retry_after=last.retry_after if busy else None,
        ),
    )


def _status(errors: list[ProviderError]) -> tuple[int, bool]:
    """Return the status of the answer, and whether it is only that all providers are busy."""
    kinds = {error.error_type for error in errors}
    if not kinds <= {"rate_limited", "overloaded"}:
        return 502, False
    return (429 if "rate_limited" in kinds else 503), True


def _no_candidates(
    request_id: str, profile: Profile, blocked: list[str], over_budget: list[str], emit: Emit
) -> ChainExhausted:
    if over_budget:
        reason = f"the monthly budget of {', '.join(over_budget)} is spent, and profile {profile.name!r} has no other"
        return ChainExhausted("blocked", HttpError(503, reason, code="budget_exceeded"))
    if not blocked:
        reason = (
            f"none of the providers of profile {profile.name!r} is configured: {', '.join(profile.providers)}"
        )
        return ChainExhausted("exhausted", HttpError(502, reason, code="providers_exhausted"))
    emit(
        ChainPaidGateBlocked(
            request_id=request_id, profile=profile.name, blocked_providers=blocked, hint=PAID_HINT
        )
    )
    reason = (
        f"all providers of profile {profile.name!r} are paid ({', '.join(blocked)}) and allow_paid is false"
    )
    return ChainExhausted("blocked", HttpError(503, f"{reason}; {PAID_HINT}", code="paid_gate_blocked"))
