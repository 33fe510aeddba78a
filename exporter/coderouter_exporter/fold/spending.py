"""Adds up what each provider costs in each month, for its budget."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import scaled
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.order import CLOCK_ERROR_S_MAX, FIRST_TS
from coderouter_exporter.state.state import State

FIRST_MONTH = datetime.fromtimestamp(FIRST_TS, UTC).strftime("%Y-%m")
OTHER_MONTHS_MAX = 2


Costs = list[tuple[str, dict[str, int]]]
"""What requests cost by provider, in micro-dollars, for each run of them in the same month."""


def costs_of(finished: Sequence[Record], read_ts: float) -> Costs:
    """Return the costs of finished requests by month, or in the current one where the time is suspect."""
    first, current = _possible_months(read_ts)
    costs: Costs = []
    for record in finished:
        if not record.cost_usd:
            continue
        month = _month(record.ts[:10])
        if not month:
            continue
        if not first <= month <= current:
            month = current
        if not costs or month != costs[-1][0]:
            costs.append((month, {}))
        micro_usd = scaled(record.cost_usd, MICRO)
        if micro_usd > 0:
            of_month, provider = costs[-1][1], record.provider or ""
            of_month[provider] = of_month.get(provider, 0) + micro_usd
    return costs


def add_costs(state: State, costs: Costs) -> None:
    for month, of_month in costs:
        if month != state.month:
            _turn_to(state, month)
        for provider, micro_usd in of_month.items():
            _add(state.month_costs, provider, micro_usd)


def _turn_to(state: State, month: str) -> None:
    """Make this the month that costs are added to, and keep the previous ones: a late cost may belong to them.

    What was spent before the clock was set belongs to the month in which it was.
    """
    others = state.other_months
    if state.month:
        others[state.month] = state.month_costs
    state.month, state.month_costs = month, others.pop(month, {})
    if month >= FIRST_MONTH:
        for unset in [other for other in others if other < FIRST_MONTH]:
            for provider, micro_usd in others.pop(unset).items():
                _add(state.month_costs, provider, micro_usd)
    for oldest in list(others)[:-OTHER_MONTHS_MAX]:
        del others[oldest]


def _add(costs: dict[str, int], provider: str, micro_usd: int) -> None:
    if provider in costs or len(costs) < SERIES_MAX:
        costs[provider] = costs.get(provider, 0) + micro_usd


def _possible_months(read_ts: float) -> tuple[str, str]:
    """Return the first and the last month in which something that has been read can have happened."""
    if math.isinf(read_ts):
        return "", "9999-12"
    current = datetime.fromtimestamp(read_ts + CLOCK_ERROR_S_MAX, UTC).strftime("%Y-%m")
    return min(FIRST_MONTH, current), current


@lru_cache
def _month(day: str) -> str:
    """Return the month of a day such as `2026-11-24`, or "" if it is not a day."""
    try:
        return date.fromisoformat(day).isoformat()[:7]
    except ValueError:
        return ""
