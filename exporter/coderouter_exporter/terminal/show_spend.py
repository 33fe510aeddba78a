"""Prints what was spent: as a table with its total, as JSON, as CSV."""

import json
from collections.abc import Callable, Sequence

import click
from rich.text import Text

from coderouter_exporter.terminal import client, output, words
from coderouter_exporter.terminal.client import Row
from coderouter_exporter.terminal.output import Column

NAMELESS = "(none)"
"""Of a request that no provider answered, or whose agent is not known."""
TOKENS = ("input_tokens", "cache_read_tokens", "cache_creation_tokens", "output_tokens")
_SUMMED = ("requests", "answered", "failed", *TOKENS, "cost_usd", "unknown_cost")

Times = list[tuple[str, str]]


def print_json(url: str, by: Sequence[str], times: Times) -> None:
    """Print the answer of the API.

    Raises:
        ExporterUnreachable, Refused
    """
    click.echo(json.dumps(client.get(url, "/spend", _parameters(by, times)), ensure_ascii=False, indent=2))


def print_csv(url: str, by: Sequence[str], times: Times) -> None:
    """Print the CSV of the API.

    Raises:
        ExporterUnreachable, Refused
    """
    output.print_csv(client.get_lines(url, "/spend", [*_parameters(by, times), ("format", "csv")]))


def print_table(url: str, by: Sequence[str], times: Times) -> None:
    """Print a row for each combination and their total; the newest day, or the highest cost, last.

    Raises:
        ExporterUnreachable, Refused
    """
    found = client.get(url, "/spend", _parameters(by, times))
    rows: list[Row] = found["spend"]
    if not rows:
        click.echo("No request was counted in this time.", err=True)
        return
    if "day" in by or "month" in by:
        rows.reverse()
    else:
        rows.sort(key=lambda row: (row["cost_usd"] or 0.0, row["requests"]))
    total = {name: sum(row[name] or 0 for row in rows) for name in _SUMMED}
    console = output.console()
    console.print(*output.fitted(_columns(by, [*rows, total]), console.width, total=True), sep="\n")
    console.print(Text(f"Days of {found['zone']}.", "dim"))
    if total["unknown_cost"]:
        providers = client.get(url, "/spend", _parameters(("provider",), times))["spend"]
        without = [row["provider"] for row in providers if row["provider"] and row["unknown_cost"]]
        console.print(words.state(words.WARN, words.unknown_cost(total["unknown_cost"], without)))


def _parameters(by: Sequence[str], times: Times) -> Times:
    return [("by", ",".join(by)), *times]


def _columns(by: Sequence[str], rows: Sequence[Row]) -> list[Column]:
    """Return the columns; the last row is the total."""
    *each, _ = rows
    names = [
        Column(name.capitalize(), [*(_name(row[name]) for row in each), Text("Total" if at == 0 else "")])
        for at, name in enumerate(by)
    ]
    numbers = [
        Column(label, [_number(read(row)) for row in rows], right=True, rank=rank)
        for label, rank, read in _NUMBERS
    ]
    return [*names, *numbers, Column("Cost", [Text(_cost(row)) for row in rows], right=True)]


def _name(value: str | None) -> Text:
    return Text(words.clean(value)) if value else Text(NAMELESS, "dim")


def _number(number: int) -> Text:
    return Text(words.compact(number), "" if number else "dim")


def _cost(row: Row) -> str:
    has_none = not row["answered"] and not row["cost_usd"] and not row["unknown_cost"]
    return words.NONE if has_none else words.cost(row["cost_usd"], row["unknown_cost"])


def _cached(row: Row) -> int:
    return int(row["cache_read_tokens"] + row["cache_creation_tokens"])


_NUMBERS: tuple[tuple[str, int, Callable[[Row], int]], ...] = (
    ("Requests", 1, lambda row: row["requests"]),
    ("Failed", 4, lambda row: row["failed"]),
    ("Tokens in", 3, lambda row: row["input_tokens"]),
    ("Cached", 5, _cached),
    ("Tokens out", 2, lambda row: row["output_tokens"]),
)
