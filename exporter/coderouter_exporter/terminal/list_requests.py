"""Prints requests: as a table, as JSON, as CSV, and those that end from now on."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import IO

import click
from rich.console import Console
from rich.text import Text

from coderouter_exporter.terminal import client, output, request_lines, words
from coderouter_exporter.terminal.client import ExporterUnreachable, Row
from coderouter_exporter.terminal.follow import Follower, Parameters, time_of

PAGE_MAX = 1000
FOLLOW_S = 1.0
ID_CHARS = 28
"""Of the ids that the proxy makes."""


def print_table(url: str, filters: Parameters, limit: int) -> None:
    """Print the newest requests.

    Raises:
        ExporterUnreachable, Refused
    """
    page = client.get(url, "/requests", [*filters, ("limit", str(min(max(1, limit), PAGE_MAX)))])
    found = page["requests"][:limit]
    if limit > len(found) and page["next"]:
        found = list(islice(client.rows(url, filters), limit))
    found.reverse()
    screen = _Table(client.get(url, "/status")["zone"], found)
    screen.print(found)
    total = page["total"]
    if not total:
        kept = page["kept"]["oldest"]
        click.echo("No request matches." if kept else "No request is kept yet.", err=True)
    elif len(found) < total:
        screen.note(f"{len(found):,} of {words.some(total, 'request')}; --limit shows more")
    if found:
        screen.note(screen.left_out)


def print_json(url: str, filters: Parameters, limit: int | None) -> None:
    """Print each request on a line, the newest first.

    Raises:
        ExporterUnreachable, Refused
    """
    parameters = [*filters, ("format", "jsonl")]
    for line in islice(client.get_lines(url, "/requests", parameters), limit):
        click.echo(line, nl=False)


def print_csv(url: str, filters: Parameters, limit: int | None) -> None:
    """Print the requests as the API writes them, the newest first.

    Raises:
        ExporterUnreachable, Refused
    """
    output.print_csv(client.get_lines(url, "/requests", [*filters, ("format", "csv")]), limit)


def follow(url: str, filters: Parameters, limit: int, *, as_json: bool) -> None:
    """Print the newest requests, then each that ends, until Ctrl-C or SIGTERM.

    While the exporter cannot be reached, say why and try again.

    Raises:
        Refused
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        follower = Follower(url, filters)
        screen: _Table | None = None
        for found in _polls(follower, limit):
            if as_json:
                _print_each(found, sys.stdout)
                continue
            screen = screen or _Table(follower.zone, found)
            screen.print(found)


def _polls(follower: Follower, limit: int) -> Iterator[list[Row]]:
    """Yield the newest requests, then those that have ended since, about once a second."""
    problem: str | None = None
    begun = False
    while True:
        try:
            found = follower.new() if begun else follower.last(limit)
        except ExporterUnreachable as error:
            if problem is None:
                click.echo(f"coderouter: {error}. Retrying.", err=True)
            problem = str(error)
        else:
            if problem is not None:
                click.echo("coderouter: connected", err=True)
            problem, begun = None, True
            yield found
        time.sleep(FOLLOW_S)


def _print_each(found: list[Row], file: IO[str]) -> None:
    for row in found:
        file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    file.flush()


class _Table:
    """Prints requests below each other; `first` decides how wide the time and the id are."""

    def __init__(self, zone_name: str | None, first: list[Row]) -> None:
        self._console: Console = output.console()
        zone = words.zone_named(zone_name)
        now = datetime.now(UTC)
        today = now.astimezone(zone).date()
        dated = any(words.utc(time_of(row)).astimezone(zone).date() != today for row in first)
        id_chars = max((len(row["request_id"]) for row in first), default=ID_CHARS)
        self._lines = request_lines.lines_for(self._console.width, zone, dated=dated, id_chars=id_chars)
        self._has_header = False

    def print(self, found: list[Row]) -> None:
        if found and not self._has_header:
            self._show(self._lines.header())
            self._has_header = True
        for row in found:
            for line in self._lines.of(row):
                self._show(line)
        self._console.file.flush()

    @property
    def left_out(self) -> str:
        return self._lines.note

    def note(self, text: str) -> None:
        if text:
            self._show(Text(text, "dim"))

    def _show(self, line: Text) -> None:
        self._console.print(line, no_wrap=True, overflow="ellipsis")
