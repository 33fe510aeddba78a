"""The table of providers in the chosen range."""

from collections.abc import Callable, Sequence
from datetime import date, tzinfo
from typing import Any, NamedTuple

from rich.text import Text

from coderouter_exporter.terminal import output, words
from coderouter_exporter.terminal.output import Column
from coderouter_exporter.terminal.words import BAD, GOOD, OFF, WARN, Mark

Row = dict[str, Any]

ERROR_CHARS_MIN = 40
"""The last error is a column if there is this much room for it, else below its row."""
ROWS_MIN = 3
HEADER_AND_NOTE = 2
RANK_OF_ZEROS = 20
STATES: dict[str, tuple[Mark, str]] = {
    "ok": (GOOD, "ok"),
    "failing": (BAD, "failing"),
    "budget": (WARN, "budget spent"),
    "cooldown": (WARN, "cooling down"),
    "gated": (OFF, "gate closed"),
    "unused": (OFF, "not used yet"),
}


class Lines(NamedTuple):
    lines: list[Text]
    shown: int
    """How many providers they show."""


def table(providers: Sequence[Row], now: str, zone: tzinfo | None, width: int, lines_max: int) -> Lines:
    """Return a row for each provider, as many as fit but at least `ROWS_MIN`.

    OK, failed and mid-stream add up to the tries.
    """
    if not providers:
        return Lines([Text("No provider yet", "dim")], 0)
    errors = [Text(words.clean(_error(each, now, zone))) for each in providers]
    is_below = output.width_of(_columns(providers)) + output.GAP + ERROR_CHARS_MIN > width
    shown, left = 0, lines_max - HEADER_AND_NOTE
    for error in errors:
        left -= 1 + (is_below and bool(error))
        if left < 0 and shown >= ROWS_MIN:
            break
        shown += 1
    columns = _columns(providers[:shown])
    below = errors[:shown]
    if is_below:
        return Lines(output.fitted(columns, width, below=below), shown)
    columns.append(Column("Last error", below, width_min=ERROR_CHARS_MIN))
    return Lines(output.fitted(columns, width), shown)


def _columns(providers: Sequence[Row]) -> list[Column]:
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
    states = Column("State", [_state(each) for each in providers], fixed=True)
    return [Column("Provider", names), states, *numbers, *amounts]


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


def _speed(provider: Row) -> str:
    speed = provider["tokens_per_s"]
    return words.NONE if speed is None else f"{speed:.3g}" if speed < 999.5 else words.compact(speed)


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
    ("OK", 4, lambda each: each["ok"]),
    ("Failed", 1, lambda each: each["failed"]),
    ("Mid-stream", 6, lambda each: each["midstream"]),
    ("Skipped", 7, lambda each: each["skipped"]),
)
_VALUES: tuple[tuple[str, int, Callable[[Row], str]], ...] = (
    ("Success", 2, lambda each: words.percent(each["success"])),
    ("First p50", 5, lambda each: words.seconds(each["first_token_p50_s"])),
    ("p95", 9, lambda each: words.seconds(each["first_token_p95_s"])),
    ("Tokens/s", 11, _speed),
    ("Cache", 10, lambda each: words.percent(each["cache_hit"])),
    ("Cost", 3, lambda each: words.cost(each["cost_usd"], each["unknown_cost"])),
    ("Budget", 8, _budget),
)
