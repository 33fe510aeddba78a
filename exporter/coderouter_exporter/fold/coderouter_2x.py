"""Keeps what the events of CodeRouter 2.x say about more than one line: its fallbacks, and newest values."""

from operator import attrgetter

from coderouter_exporter.families.coderouter_2x import CONTEXT_USAGE, PROBE_LATENCY
from coderouter_exporter.families.events_2x import ContextBudgetWarning, FallbackOccurred, ProbeCompleted
from coderouter_exporter.families.proxy import FALLBACKS
from coderouter_exporter.fold.reading import Reading
from coderouter_exporter.state.cardinality import SERIES_MAX

_HOP = attrgetter("pre_attempt", "hop_index", "to_provider", "profile")
_NEWEST = (
    (CONTEXT_USAGE.name, ContextBudgetWarning.msg, attrgetter("profile", "usage_ratio")),
    (PROBE_LATENCY.name, ProbeCompleted.msg, attrgetter("provider", "latency_ms")),
)


def update_2x(reading: Reading) -> None:
    _count_fallbacks(reading)
    for family, event, fields in _NEWEST:
        for label, value in map(fields, reading.of(event)):
            newest, name = reading.state.newest_values.setdefault(family, {}), label or ""
            if value is not None and (name in newest or len(newest) < SERIES_MAX):
                newest[name] = value


def _count_fallbacks(reading: Reading) -> None:
    """Count each request that moved from one attempt to another once, however many lines it has.

    The lines of a request follow each other: the first failed attempt is the first line or follows a skipped provider.
    """
    state = reading.state
    for skipped, index, to_provider, profile in map(_HOP, reading.of(FallbackOccurred.msg)):
        is_first_attempt = not skipped and (index == 0 or state.hop_was_skipped)
        if is_first_attempt and to_provider:
            state.add(FALLBACKS, (profile or "",), 1)
        state.hop_was_skipped = bool(skipped)
