"""How the terminal shows states, numbers, durations, amounts and times: as the dashboard does."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.text import Text

Mark = tuple[str, str]
"""A shape and its style."""

GOOD, WARN, BAD, OFF = ("●", "green"), ("▲", "yellow"), ("■", "red"), ("○", "dim")
NONE = "-"
OUTCOMES: dict[str, tuple[Mark, str]] = {
    "ok": (GOOD, "OK"),
    "open": (OFF, "in progress"),
    "exhausted": (BAD, "exhausted"),
    "midstream": (BAD, "broke off"),
    "blocked": (BAD, "blocked"),
    "lost": (BAD, "lost"),
    "client_error": (WARN, "client error"),
    "client_gone": (OFF, "client gone"),
}
_SKIPPED = {
    "paid": "the paid gate is closed",
    "unknown": "not in providers.yaml",
    "budget": "budget spent",
    "context": "context too small",
}
_COMPACT = ((1e9, "B"), (1e6, "M"), (1e4, "K"))


def clean(text: str) -> str:
    """Return the text without control characters: providers' errors must not control the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def line(*parts: Text | str, style: str = "") -> Text:
    texts = [part if isinstance(part, Text) else Text(clean(part)) for part in parts]
    return Text.assemble(*texts, style=style, no_wrap=True, overflow="ellipsis")


def state(mark: Mark, word: str) -> Text:
    shape, style = mark
    return Text.assemble((shape, style), " ", (clean(word), "" if mark in (GOOD, OFF) else style))


def outcome(row: dict[str, Any]) -> Text:
    known = OUTCOMES.get(row["outcome"])
    return state(*known) if known else state(OFF, str(row["outcome"]))


def span(length_s: float) -> str:
    """Return a length of time, roughly."""
    if length_s < 100:
        return f"{max(0.0, length_s):.0f} s"
    minutes = round(length_s / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 2 * 24 * 60 else f"{minutes // 1440} days"


def seconds(length_s: float | None) -> str:
    """Return a measured duration."""
    if length_s is None:
        return NONE
    if length_s < 1:
        return f"{length_s * 1000:.3g} ms" if length_s < 0.9995 else "1 s"
    return f"{length_s:.3g} s" if length_s < 99.95 else span(length_s)


def some(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def compact(number: float | None) -> str:
    if number is None:
        return NONE
    for size, unit in _COMPACT:
        if number >= size:
            scaled = number / (1e3 if unit == "K" else size)
            return f"{scaled:.3g}{unit}" if scaled < 999.5 else f"{scaled:.0f}{unit}"
    return f"{number:,.0f}"


def dollars(usd: float) -> str:
    if 0 < usd < 0.00005:
        return "<$0.0001"
    return f"${usd:,.4f}" if 0 < usd < 1 else f"${usd:,.2f}"


def cost(usd: float | None, unknown: int = 0) -> str:
    """Return a cost that is known in part: what is not known is never 0."""
    if usd is None:
        return "unknown" if unknown else NONE
    if not unknown:
        return dollars(usd)
    return f"{dollars(usd)} + unknown" if usd > 0 else "unknown"


def cost_of(row: dict[str, Any]) -> str:
    """Return the cost of a request."""
    return cost(row["cost_usd"], row["cost_usd"] is None and row["outcome"] == "ok")


def percent(share: float | None) -> str:
    """Return a share, to two or three digits; 100 % means all."""
    if share is None:
        return NONE
    value = share * 100
    digits = 2 if 99 <= value < 100 else 0 if value >= 10 or value == 0 else 1
    floored = int(value * 10**digits + 1e-9) / 10**digits
    return f"{floored if value < 100 else value:.{digits}f} %"


def listed(names: Sequence[str], most: int = 3) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def why_skipped(entry: dict[str, Any]) -> str:
    why = _SKIPPED.get(entry.get("reason") or "", entry.get("reason") or "")
    spent, budget = entry.get("spent_usd"), entry.get("budget_usd")
    return why if spent is None or budget is None else f"{why}: {dollars(spent)} of {dollars(budget)}"


def why_failed(row: dict[str, Any]) -> str:
    """Return the error of a request; without one, why its providers were not tried."""
    skipped = (entry for entry in row["tries"] if entry["result"] == "skipped")
    return error_text({**row, "status": None}) or "; ".join(
        f"{entry['provider']}: {why_skipped(entry)}" for entry in skipped
    )


def error_text(entry: dict[str, Any]) -> str:
    """Return the type of an error, its status unless the message has it, and the message."""
    status, error = entry.get("status"), entry.get("error") or ""
    is_said = status is None or status < 400 or str(status) in error
    kind = ", ".join(filter(None, (entry.get("error_type"), "" if is_said else f"HTTP {status}")))
    return ": ".join(filter(None, (kind, error)))


def ago(ts: str, now: str) -> str:
    return f"{span((utc(now) - utc(ts)).total_seconds())} ago"


def time_of_day(ts: str, now: str | datetime, zone: tzinfo | None) -> str:
    """Return the time of day, with the date if that is not today."""
    when = utc(ts).astimezone(zone)
    today = (utc(now) if isinstance(now, str) else now).astimezone(zone)
    return when.strftime("%H:%M:%S" if when.date() == today.date() else "%d %b %H:%M:%S")


def utc(ts: str) -> datetime:
    found = datetime.fromisoformat(ts)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def zone_named(name: str | None) -> tzinfo | None:
    """Return the configured time zone, or None for the machine's."""
    try:
        return ZoneInfo(name or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def unknown_cost(answers: int, providers: Sequence[str]) -> str:
    """Return how many answers have no known cost, and what to do about it."""
    return f"Cost unknown for {some(answers, 'answer')}: {no_price(providers)}"


def no_price(providers: Sequence[str]) -> str:
    return f"no price for {listed(providers) or 'their provider'}; to add it: coderouter prices"
