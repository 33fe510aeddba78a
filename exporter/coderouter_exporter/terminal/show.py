"""Shows an exporter's report in the terminal, once or continuously."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import click
from rich.live import Live

from coderouter_exporter.terminal import output
from coderouter_exporter.terminal.client import ExporterUnreachable, fetch_body, get, parse_report
from coderouter_exporter.terminal.screen import Screen, Seen

REDRAWS_PER_S = 2
"""How often the screen is fitted to the size of the terminal."""


def show_once(url: str, hours: int, *, as_json: bool) -> None:
    """Print the report.

    Raises:
        ExporterUnreachable
    """
    if as_json:
        body = fetch_body(url)
        parse_report(url, body)
        click.echo(body)
    else:
        output.console().print(Screen(_look(url, hours)))


def _look(url: str, hours: int) -> Seen:
    """Return the exporter's data of the last hours.

    Raises:
        ExporterUnreachable
    """
    of_range = [("hours", str(hours))]
    return {
        "status": get(url, "/status"),
        "traffic": get(url, "/traffic", of_range),
        "providers": get(url, "/providers", of_range),
    }


def keep_showing(url: str, hours: int, interval_s: float, *, as_json: bool) -> None:
    """Show the newest state until Ctrl-C or SIGTERM; while the exporter cannot be reached, show why and retry."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        if as_json:
            _keep_printing_json(url, interval_s)
        elif sys.stdout.isatty():
            _fill_terminal(url, hours, interval_s)
        else:
            _keep_printing(url, hours, interval_s)


def _fill_terminal(url: str, hours: int, interval_s: float) -> None:
    """Fill the terminal, follow changes of its size, and restore it at the end."""
    shown = Screen(None, "fetching", fitted=True)
    with Live(get_renderable=lambda: shown, screen=True, refresh_per_second=REDRAWS_PER_S) as live:
        for seen, problem in _polls(url, hours, interval_s):
            shown = Screen(seen, problem, fitted=True)
            live.refresh()


def _keep_printing(url: str, hours: int, interval_s: float) -> None:
    console = output.console()
    for seen, problem in _polls(url, hours, interval_s):
        console.print(Screen(seen, problem), "")
        sys.stdout.flush()


def _keep_printing_json(url: str, interval_s: float) -> None:
    while True:
        try:
            show_once(url, 1, as_json=True)
        except ExporterUnreachable as error:
            click.echo(f"coderouter: {error}", err=True)
        time.sleep(interval_s)


def _polls(url: str, hours: int, interval_s: float) -> Iterator[tuple[Seen | None, str | None]]:
    """Yield, once per interval, what was seen last and the error of the last poll, if it failed."""
    seen: Seen | None = None
    while True:
        started = time.monotonic()
        try:
            seen, problem = _look(url, hours), None
        except ExporterUnreachable as error:
            problem = f"{error}. Retrying."
        yield seen, problem
        time.sleep(max(0.0, started + interval_s - time.monotonic()))
