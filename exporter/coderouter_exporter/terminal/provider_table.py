"""The table of providers in the chosen range."""

from collections.abc import Callable, Sequence
from datetime import date, tzinfo
from typing import Any

from rich.table import Table
from rich.text import Text

from coderouter_exporter.terminal import output, words
from coderouter_exporter.terminal.output import Column
from coderouter_exporter.terminal.words import BAD, GOOD, OFF, WARN, Mark

Row = dict[str, Any]

ERROR_SHARE = 4
"""The last error has this part of the width, at least."""
RANK_OF_ZEROS = 20
STATES: dict[str, tuple[Mark, str]] = {
    "ok": (GOOD, "ok"),
    "failing": (BAD, "failing"),
    "budget": (WARN, "budget spent"),
    "cooldown": (WARN, "cooling down"),
    "gated": (OFF, "gate closed"),
    "unused": (OFF, "not used yet"),
}


def table(providers: Sequence[Row], now: str, zone: tzinfo | None, width: int) -> Table:
    """Return a row for each provider; ok, failed and mid-stream add up to the tries."""
    if not providers:
        return output.table("No provider yet")
    names = [Text(words.clean(each["name"])) for each in providers]
    numbers = [
        Column(label, [_number(read(each)) for each in providers], right=True, rank=rank + zero)
        for label, rank, read in _NUMBERS
        for zero in (0 if any(map(read, providers)) else RANK_OF_ZEROS,)
    ]
    amounts = [
        Column(label, [Text(read(each)) for each in providers], right=True, rank=rank)
        for label, rank, read in _VALUES
    ]
    errors = [Text(words.clean(_error(each, now, zone))) for each in providers]
    states = Column("State", [_state(each) for each in providers], fixed=True)
    error = Column("Last error", errors, width_min=width // ERROR_SHARE)
    return output.fitted([Column("Provider", names), states, *numbers, *amounts, error], width)


def _state(provider: Row) -> Text:
    mark, word = STATES[provider["state"]]
    budget = provider["budget"]
    if provider["state"] == "budget" and budget:
        word = f"{word} until {_day(budget['until'])}"
    return words.state(mark, word)


def _day(iso: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%b}"


def _number(number: int) -> Text:
    return Text(f"{number:,}", style="" if number else "dim")


def _first_token(provider: Row) -> str:
    half, most = provider["first_token_p50_s"], provider["first_token_p95_s"]
    return words.NONE if half is None else f"{words.seconds(half)} / {words.seconds(most)}"


def _speed(provider: Row) -> str:
    speed = provider["tokens_per_s"]
    return words.NONE if speed is None else f"{speed:.3g}"


def _budget(provider: Row) -> str:
    budget = provider["budget"]
    return f"{words.dollars(budget['spent_usd'])} of {words.dollars(budget['budget_usd'])}" if budget else ""


def _error(provider: Row, now: str, zone: tzinfo | None) -> str:
    error = provider["last_error"]
    return f"{time_of(error, now, zone)} {words.error_text(error)}" if error else ""


def time_of(entry: Row, now: str, zone: tzinfo | None) -> str:
    """Return when it happened, marked if the clock that gave the time was wrong."""
    time = words.time_of_day(entry["ts"], now, zone)
    return f"{time} ?" if entry.get("ts_suspect") or entry.get("suspect") else time


_NUMBERS: tuple[tuple[str, int, Callable[[Row], int]], ...] = (
    ("Tries", 1, lambda each: each["tries"]),
    ("OK", 2, lambda each: each["ok"]),
    ("Failed", 1, lambda each: each["failed"]),
    ("Mid-stream", 3, lambda each: each["midstream"]),
    ("Skipped", 4, lambda each: each["skipped"]),
)
_VALUES: tuple[tuple[str, int, Callable[[Row], str]], ...] = (
    ("Success", 5, lambda each: words.percent(each["success"])),
    ("First p50/p95", 8, _first_token),
    ("Tokens/s", 10, _speed),
    ("Cache", 9, lambda each: words.percent(each["cache_hit"])),
    ("Cost", 6, lambda each: words.cost(each["cost_usd"], each["unknown_cost"])),
    ("Budget", 7, _budget),
)
