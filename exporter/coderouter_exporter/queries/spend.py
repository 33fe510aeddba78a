"""Cost and tokens by day, provider, model, agent and profile."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from coderouter_exporter.queries.choices import SPEND_BY
from coderouter_exporter.queries.values import usd
from coderouter_exporter.rows.tables import NUMBERS

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
COLUMNS = ("zone", "requests", "answered", "failed", "fallbacks", *_TOKENS, "cost_usd", "unknown_cost")
_SUMS = ", ".join(f"sum({name})" for name in NUMBERS)


def spend(
    db: sqlite3.Connection, by: Sequence[str], since: str | None, until: str | None
) -> list[dict[str, Any]]:
    """Return the sums of each combination, newest day first; `since` and `until` are dates, both included."""
    keys = ", ".join(SPEND_BY[name] for name in by)
    order = ", ".join(f"{SPEND_BY[name]} {'DESC' if name in ('day', 'month') else ''}" for name in by)
    found = db.execute(
        f"SELECT {keys}, {_SUMS}, group_concat(DISTINCT zone) FROM day WHERE date >= ? AND date <= ? "
        f"GROUP BY {keys} ORDER BY {order}",
        (since or "", until or "9999"),
    )
    return [_sum(by, values) for values in found]


def _sum(by: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    keys, zone = values[: len(by)], values[-1]
    sums = dict(zip(NUMBERS, values[len(by) : -1], strict=True))
    return {
        **{name: value or None for name, value in zip(by, keys, strict=True)},
        "zone": zone,
        "requests": sums["requests"],
        "answered": sums["ok"],
        "failed": sum(sums[name] for name in ("exhausted", "midstream", "blocked", "other")),
        "fallbacks": sums["fallbacks"],
        **{name: sums[name] for name in _TOKENS},
        "cost_usd": usd(sums["micro_usd"]),
        "unknown_cost": sums["unknown_cost"],
    }
