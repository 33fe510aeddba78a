"""Shows an exporter's report in the terminal, once or continuously."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from coderouter_exporter.terminal.client import ExporterUnreachable, fetch_body, fetch_report, parse_report
from coderouter_exporter.terminal.screen import Screen

WIDTH = 120
"""Columns of the output when it is not a terminal."""
REDRAWS_PER_S = 2
"""How often the screen is fitted to the size of the terminal."""


def show_once(url: str, *, as_json: bool) -> None:
    """Print the report.

    Raises:
        ExporterUnreachable
    """
    body = fetch_body(url)
    report = parse_report(url, body)
    if as_json:
        click.echo(body)
    else:
        _console().print(Screen(report))


def keep_showing(url: str, interval_s: float, *, as_json: bool) -> None:
    """Show the newest report until Ctrl-C or SIGTERM; while the exporter cannot be reached, show why and retry."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        if as_json:
            _keep_printing_json(url, interval_s)
        elif sys.stdout.isatty():
            _fill_terminal(url, interval_s)
        else:
            _keep_printing(url, interval_s)


def _fill_terminal(url: str, interval_s: float) -> None:
    """Fill the terminal, follow changes of its size, and restore it at the end."""
    shown = Screen(None, "fetching the first report", fitted=True)
    with Live(get_renderable=lambda: shown, screen=True, refresh_per_second=REDRAWS_PER_S) as live:
        for report, problem in _polls(url, interval_s):
            shown = Screen(report, problem, fitted=True)
            live.refresh()


def _keep_printing(url: str, interval_s: float) -> None:
    console = _console()
    for report, problem in _polls(url, interval_s):
        console.print(Screen(report, problem), "")
        sys.stdout.flush()


def _keep_printing_json(url: str, interval_s: float) -> None:
    while True:
        try:
            show_once(url, as_json=True)
        except ExporterUnreachable as error:
            click.echo(f"coderouter: {error}", err=True)
        time.sleep(interval_s)


def _polls(url: str, interval_s: float) -> Iterator[tuple[dict[str, Any] | None, str | None]]:
    """Yield, once per interval, the newest report and the error of the last poll, if it failed."""
    report: dict[str, Any] | None = None
    while True:
        started = time.monotonic()
        try:
            report, problem = fetch_report(url), None
        except ExporterUnreachable as error:
            problem = f"{error} Retrying."
        yield report, problem
        time.sleep(max(0.0, started + interval_s - time.monotonic()))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH)
