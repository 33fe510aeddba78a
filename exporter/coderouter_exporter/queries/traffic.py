"""The traffic of a range of hours: its totals, and a value for each step."""

from collections.abc import Sequence
from typing import Any

from coderouter_exporter.queries.slots import Range, Sums
from coderouter_exporter.queries.values import time_of
from coderouter_exporter.rows.usage import Slot, empty_slot
from coderouter_exporter.state.minutes import MINUTE_S

_SERIES = {
    "ok": "answered",
    "fallbacks": "fallbacks",
    "duration_p50_s": "duration_p50_s",
    "duration_p95_s": "duration_p95_s",
    "first_token_p50_s": "first_token_p50_s",
    "first_token_p95_s": "first_token_p95_s",
    "cost_usd": "cost_usd",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_tokens",
    "failed": "failed",
}
"""By series, the total of which it has one value per step."""


def traffic(slots: Sequence[Slot], wanted: Range) -> dict[str, Any]:
    """Return the traffic, given the sums of the steps."""
    whole = empty_slot()
    for slot in slots:
        whole.add(slot)
    steps = [totals(Sums(slot)) for slot in slots]
    return {
        "generated_at": time_of(wanted.now_ts),
        "hours": wanted.hours,
        "step_s": wanted.step * MINUTE_S,
        "first_ts": wanted.starts[0] * MINUTE_S,
        "total": totals(Sums(whole)),
        **{name: [step[of] for step in steps] for name, of in _SERIES.items()},
        "client": [step["client_error"] + step["client_gone"] for step in steps],
    }


def totals(sums: Sums) -> dict[str, Any]:
    return {
        "requests": sums["requests"],
        "answered": sums["ok"],
        "failed": sums.failed,
        "client_error": sums["client_error"],
        "client_gone": sums["client_gone"],
        "fallbacks": sums["fallbacks"],
        **sums.tokens(),
        **sums.cost(),
        **sums.quantiles(),
    }
