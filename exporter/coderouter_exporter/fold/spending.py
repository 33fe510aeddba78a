"""Adds up what each provider has cost in the newest month, for its budget."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.records.columns import scaled
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.state import SERIES_MAX, State


def add_costs(state: State, finished: Sequence[Record]) -> None:
    """Add the costs of finished requests; the first cost of a new month resets the sums, late ones are ignored."""
    for record in finished:
        if not record.cost_usd:
            continue
        month = _month(record.ts[:10])
        if month > state.month:
            state.month, state.month_costs = month, {}
        micro_usd = scaled(record.cost_usd, MICRO)
        provider = record.provider or ""
        has_room = provider in state.month_costs or len(state.month_costs) < SERIES_MAX
        if month == state.month and micro_usd > 0 and has_room:
            state.month_costs[provider] = state.month_costs.get(provider, 0) + micro_usd


@lru_cache
def _month(day: str) -> str:
    """Return the month of a day such as `2026-11-24`, or "" if it is not a day."""
    try:
        return date.fromisoformat(day).isoformat()[:7]
    except ValueError:
        return ""
