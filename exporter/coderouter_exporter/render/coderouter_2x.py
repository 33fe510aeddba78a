"""What CodeRouter 2.x has in its JSON beside what 1.7 has: the keys and shapes that its dashboards read."""

from coderouter_exporter.families import caches, proxy
from coderouter_exporter.families import coderouter_2x as families
from coderouter_exporter.families.kinds import Counter, Gauge
from coderouter_exporter.state.state import State

Totals = dict[str, float]


def counters(state: State) -> dict[str, object]:
    """Return its counters; those by provider are summed up over models."""
    cost, savings = by_first_label(state, proxy.COST), by_first_label(state, caches.COST_SAVINGS)
    language_tax = by_first_label(state, families.LANGUAGE_TAX)
    read, written = _tokens(state, "cache_read"), _tokens(state, "cache_creation")
    warnings = by_first_label(state, families.CONTEXT_WARNINGS)
    trims = by_first_label(state, families.CONTEXT_TRIMS)
    saved = by_first_label(state, families.TOKENS_SAVED)
    drift = by_first_label(state, families.DRIFT_DETECTED)
    empty = by_first_label(state, families.EMPTY_RESPONSES)
    truncated = by_first_label(state, families.STREAM_TRUNCATED)
    probes = by_two_labels(state, families.PROBE_OUTCOMES)
    return {
        "chain_budget_exceeded_total": _total(state, families.CHAIN_BUDGET_EXCEEDED),
        "chain_memory_pressure_blocked_total": _total(state, families.CHAIN_MEMORY_PRESSURE),
        "provider_skipped_budget": _skipped(state, "budget"),
        "provider_skipped_memory_pressure": _skipped(state, "memory_pressure"),
        "provider_demoted_unhealthy": by_first_label(state, families.DEMOTED),
        "backend_health_transitions": by_two_labels(state, families.HEALTH_TRANSITIONS),
        "cache_read_tokens_total": sum(read.values()),
        "cache_creation_tokens_total": sum(written.values()),
        "cache_read_tokens": read,
        "cache_creation_tokens": written,
        "cache_outcomes": by_two_labels(state, caches.CACHE_OBSERVED),
        "cost_total_usd": cost,
        "cost_savings_usd": savings,
        "cost_total_usd_aggregate": _usd(sum(cost.values())),
        "cost_savings_usd_aggregate": _usd(sum(savings.values())),
        "language_tax_usd": language_tax,
        "language_tax_usd_aggregate": _usd(sum(language_tax.values())),
        "tokens_saved_total": sum(saved.values()),
        "tokens_saved_by_mechanism": saved,
        "context_budget_warnings_total": sum(warnings.values()),
        "context_budget_trims_total": sum(trims.values()),
        "context_budget_warnings_by_profile": warnings,
        "context_budget_trims_by_profile": trims,
        "context_budget_latest_ratio": _newest(state, families.CONTEXT_USAGE),
        "drift_detected_total": sum(drift.values()),
        "drift_detected_by_provider": drift,
        "drift_promoted_total": _total(state, families.DRIFT_PROMOTED),
        "drift_reload_total": _total(state, families.DRIFT_RELOADS),
        "drift_reload_success_total": _total(state, families.DRIFT_RELOADS_OK),
        "partial_stitch_surfaced_total": _total(state, families.PARTIAL_STITCH),
        "empty_responses_total": sum(empty.values()),
        "empty_responses_by_provider": empty,
        "stream_truncated_total": sum(truncated.values()),
        "stream_truncated_by_provider": truncated,
        "stream_truncated_by_action": by_first_label(state, families.STREAM_TRUNCATED_BY_ACTION),
        "probe_total": by_first_label(state, families.PROBES),
        "probe_success": {name: found["success"] for name, found in probes.items() if "success" in found},
        "probe_failure": {name: found["failure"] for name, found in probes.items() if "failure" in found},
        "probe_rounds_total": _total(state, families.PROBE_ROUNDS),
        "probe_latency_ms": _newest(state, families.PROBE_LATENCY),
        "probe_drift_detected": by_first_label(state, families.PROBE_DRIFT),
    }


class OfProviders:
    """What it has about each provider."""

    def __init__(self, state: State) -> None:
        self._read, self._written = _tokens(state, "cache_read"), _tokens(state, "cache_creation")
        self._outcomes = by_two_labels(state, caches.CACHE_OBSERVED)
        self._cost = by_first_label(state, proxy.COST)
        self._savings = by_first_label(state, caches.COST_SAVINGS)
        self._language_tax = by_first_label(state, families.LANGUAGE_TAX)

    def of(self, name: str) -> dict[str, object]:
        outcomes = self._outcomes.get(name, {})
        known = sum(number for outcome, number in outcomes.items() if outcome != "unknown")
        return {
            "cache": {
                "read_tokens": self._read.get(name, 0),
                "creation_tokens": self._written.get(name, 0),
                "outcomes": outcomes,
                "hit_rate": round(outcomes.get("cache_hit", 0) / known, 4) if known else None,
                "observations": sum(outcomes.values()),
            },
            "cost": {
                "total_usd": self._cost.get(name, 0.0),
                "savings_usd": self._savings.get(name, 0.0),
                "language_tax_usd": self._language_tax.get(name, 0.0),
            },
        }


def by_first_label(state: State, counter: Counter) -> Totals:
    """Return the totals by the first label, summed up over the others; dollars to the micro-dollar."""
    sums: dict[str, int] = {}
    for (label, *_), total in state.totals(counter).items():
        sums[label] = sums.get(label, 0) + total
    return {
        label: total if counter.scale == 1 else _usd(total / counter.scale) for label, total in sums.items()
    }


def by_two_labels(state: State, counter: Counter) -> dict[str, dict[str, int]]:
    totals: dict[str, dict[str, int]] = {}
    for (first, second), total in state.totals(counter).items():
        totals.setdefault(first, {})[second] = total
    return totals


def _usd(number: float) -> float:
    return round(number, 6)


def _total(state: State, counter: Counter) -> int:
    return state.totals(counter)[()]


def _skipped(state: State, reason: str) -> dict[str, int]:
    skipped = state.totals(proxy.PROVIDER_SKIPPED).items()
    return {provider: number for (provider, why), number in skipped if why == reason}


def _tokens(state: State, direction: str) -> dict[str, int]:
    """Return the tokens of each provider; 0 for those whose answers were observed and had none."""
    tokens = dict.fromkeys(by_two_labels(state, caches.CACHE_OBSERVED), 0)
    for (provider, _, counted), number in state.totals(proxy.TOKENS).items():
        if counted == direction:
            tokens[provider] = tokens.get(provider, 0) + number
    return tokens


def _newest(state: State, gauge: Gauge) -> Totals:
    return dict(state.newest_values.get(gauge.name, {}))
