"""Which providers of a chain are skipped: not configured, too expensive, or too small for the request."""

from coderouter_events.events import (
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipShortContext,
    SkipUnknownProvider,
)
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.lengths import Length

NOT_CONFIGURED = "not configured"
PAID = "paid, and allow_paid is false"

Skip = SkipUnknownProvider | SkipPaidProvider | SkipBudgetExceeded | SkipShortContext


def skip(
    request_id: str,
    name: str,
    provider: Provider | None,
    budgets: Budgets,
    *,
    allow_paid: bool,
    length: Length | None = None,
) -> Skip | None:
    """Return the event that says why the provider of this name is skipped; None if it is tried."""
    if provider is None:
        return SkipUnknownProvider(request_id=request_id, provider=name)
    if provider.paid and not allow_paid:
        return SkipPaidProvider(request_id=request_id, provider=name)
    if (over := budgets.over(provider)) is not None:
        spent_usd, budget_usd = over
        return SkipBudgetExceeded(
            request_id=request_id, provider=name, spent_usd=spent_usd, budget_usd=budget_usd
        )
    if length is not None and (excess := length.excess(provider)) is not None:
        needed, window = excess
        return SkipShortContext(
            request_id=request_id, provider=name, needed_tokens=needed, window_tokens=window
        )
    return None


def reason(skip: Skip) -> str:
    """Return why a provider is skipped, for people."""
    match skip:
        case SkipUnknownProvider():
            return NOT_CONFIGURED
        case SkipPaidProvider():
            return PAID
        case SkipBudgetExceeded():
            return f"budget spent: {skip.spent_usd:.2f} of {skip.budget_usd:g} dollars this month"
        case SkipShortContext():
            return (
                f"the request is longer than its context: about {skip.needed_tokens:,} of"
                f" {skip.window_tokens:,} tokens"
            )
