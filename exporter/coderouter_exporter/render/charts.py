"""What the last hours looked like, in steps that a chart can draw, and what today has cost."""

from datetime import datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from coderouter_exporter.families.kinds import MICRO
from coderouter_exporter.state.duration_histogram import quantile_s
from coderouter_exporter.state.minutes import HOUR_MINUTES, MINUTE_S, Minute, Minutes, total

STEP_MINUTES = {1: 1, 6: 5, 24: 15}
"""By the hours that a chart shows."""
DAY_STEP_MINUTES = 15
"""Wherever days do not begin with an hour of UTC, they begin with a quarter of one."""

KINDS = {
    "ok": ("ok",),
    "failed": ("exhausted", "midstream", "blocked", "other"),
    "client": ("client_error", "client_gone"),
}
"""Outcomes by whose they are: answered, our failure, or the client's own doing."""


def history(minutes: Minutes, hours: int, now_ts: float) -> dict[str, Any]:
    """Return the last hours as columns, a row for each step that has begun, oldest first."""
    step = STEP_MINUTES[hours]
    last = int(now_ts // MINUTE_S) // step * step
    numbers = range(last - hours * 60 + step, last + 1, step)
    found = minutes.steps(numbers[0] * MINUTE_S, now_ts, step)
    rows = [found.get(number, _NOTHING) for number in numbers]
    return {
        "hours": hours,
        "step_s": step * MINUTE_S,
        "first_ts": numbers[0] * MINUTE_S,
        "total": _summary(total(rows)),
        **{kind: [_of_kind(row, kind) for row in rows] for kind in KINDS},
        "fallbacks": [row.fallbacks for row in rows],
        **{
            name: [quantile_s(getattr(row, field), share) for row in rows]
            for name, field, share in _QUANTILES
        },
    }


def today(minutes: Minutes, zone: str | None, now_ts: float) -> dict[str, Any]:
    """Return what was used since midnight in that zone; without one, in that of this machine."""
    where = _zone(zone)
    day = datetime.fromtimestamp(now_ts, where).date()
    begun_ts = datetime.combine(day, time(), where).timestamp()
    step = DAY_STEP_MINUTES if begun_ts % (HOUR_MINUTES * MINUTE_S) else HOUR_MINUTES
    used = total(minutes.steps(begun_ts, now_ts, step).values())
    return {
        "date": day.isoformat(),
        "timezone": datetime.fromtimestamp(now_ts, where).astimezone().tzname()
        if where is None
        else str(where),
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
_NOTHING = Minute()


def _summary(whole: Minute) -> dict[str, object]:
    return {
        "requests": whole.requests,
        "outcomes": whole.outcomes,
        "fallbacks": whole.fallbacks,
        **{name: quantile_s(getattr(whole, field), share) for name, field, share in _QUANTILES},
    }


def _of_kind(minute: Minute, kind: str) -> int:
    return sum(minute.outcomes.get(outcome, 0) for outcome in KINDS[kind])


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
