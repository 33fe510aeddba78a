"""The last hours in steps that a chart can draw, and today's tokens and cost."""

from collections.abc import Iterable
from datetime import datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.state.duration_histogram import quantile_s
from coderouter_exporter.state.minutes import HOUR_MINUTES, MINUTE_S, Minute, Minutes, total

STEP_MINUTES = {1: 1, 6: 5, 24: 15}
"""The step by the number of hours that a chart shows."""
DAY_STEP_MINUTES = 15
"""In every time zone, a day begins at a full quarter of an hour of UTC."""

OUTCOMES = {
    "ok": ("ok",),
    "failed": ("exhausted", "midstream", "blocked", "other"),
    "client": ("client_error", "client_gone"),
}
"""Outcomes by column: answered, failed on our side, or ended by the client's own error or disconnect."""


def history(minutes: Minutes, hours: int, now_ts: float) -> dict[str, Any]:
    """Return the last hours as columns with a value for each step, oldest first; the last step is the current one."""
    step = STEP_MINUTES[hours]
    last = int(now_ts // MINUTE_S) // step * step
    numbers = range(last - hours * 60 + step, last + 1, step)
    found = minutes.steps(numbers[0] * MINUTE_S, now_ts, step)
    rows = [found.get(number, _EMPTY) for number in numbers]
    return {
        "hours": hours,
        "step_s": step * MINUTE_S,
        "first_ts": numbers[0] * MINUTE_S,
        "total": _summary(total(rows)),
        **{name: [_number_of(row, outcomes) for row in rows] for name, outcomes in OUTCOMES.items()},
        "fallbacks": [row.fallbacks for row in rows],
        **{
            name: [quantile_s(getattr(row, field), quantile) for row in rows]
            for name, field, quantile in _QUANTILES
        },
    }


def today(minutes: Minutes, zone: str | None, now_ts: float) -> dict[str, Any]:
    """Return the usage since midnight in the named time zone, by default the machine's."""
    timezone = _zone(zone)
    now = datetime.fromtimestamp(now_ts, timezone)
    midnight_ts = datetime.combine(now.date(), time(), timezone).timestamp()
    step = DAY_STEP_MINUTES if midnight_ts % (HOUR_MINUTES * MINUTE_S) else HOUR_MINUTES
    used = total(minutes.steps(midnight_ts, now_ts, step).values())
    return {
        "date": now.date().isoformat(),
        "timezone": now.astimezone().tzname() if timezone is None else str(timezone),
        "requests": used.requests,
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "cache_read_tokens": used.cache_read_tokens,
        "cache_creation_tokens": used.cache_creation_tokens,
        "cost_usd": used.micro_usd / MICRO,
    }


_QUANTILES = tuple(
    (f"{name}_p{percent}_s", name, percent / 100)
    for name in ("duration", "first_token")
    for percent in (50, 95)
)
_EMPTY = Minute()


def _summary(whole: Minute) -> dict[str, object]:
    return {
        "requests": whole.requests,
        "outcomes": whole.outcomes,
        "fallbacks": whole.fallbacks,
        **{name: quantile_s(getattr(whole, field), quantile) for name, field, quantile in _QUANTILES},
    }


def _number_of(minute: Minute, outcomes: Iterable[str]) -> int:
    return sum(minute.outcomes.get(outcome, 0) for outcome in outcomes)


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
