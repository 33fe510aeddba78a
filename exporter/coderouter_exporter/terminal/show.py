"""Shows an exporter's report in the terminal, once or again and again."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from coderouter_exporter.terminal.client import ExporterUnreachable, ask, fetch, parsed
from coderouter_exporter.terminal.screen import Screen

WIDTH = 120
"""Of the view where there is no terminal to fill."""
REDRAWS_PER_S = 2
"""How often it is fitted to the size of the terminal."""


def show_once(url: str, *, as_json: bool) -> None:
    """Print the report.

    Raises:
        ExporterUnreachable
    """
    body = fetch(url)
    report = parsed(url, body)
    if as_json:
        click.echo(body)
    else:
        _console().print(Screen(report))


def keep_showing(url: str, interval_s: float, *, as_json: bool) -> None:
    """Show the report until Ctrl-C or SIGTERM; while none comes, say so and ask again."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt, BrokenPipeError):
        if as_json:
            _keep_printing_json(url, interval_s)
        elif sys.stdout.isatty():
            _fill_terminal(url, interval_s)
        else:
            _keep_printing(url, interval_s)


def _fill_terminal(url: str, interval_s: float) -> None:
    """Use the whole terminal, also when its size changes, and leave it as it was."""
    shown = Screen(None, "asking for the first report", fitted=True)
    with Live(get_renderable=lambda: shown, screen=True, refresh_per_second=REDRAWS_PER_S) as live:
        for report, trouble in _looks(url, interval_s):
            shown = Screen(report, trouble, fitted=True)
            live.refresh()


def _keep_printing(url: str, interval_s: float) -> None:
    console = _console()
    for report, trouble in _looks(url, interval_s):
        console.print(Screen(report, trouble), "")
        sys.stdout.flush()


def _keep_printing_json(url: str, interval_s: float) -> None:
    while True:
        try:
            show_once(url, as_json=True)
        except ExporterUnreachable as error:
            click.echo(f"coderouter: {error}", err=True)
        time.sleep(interval_s)


def _looks(url: str, interval_s: float) -> Iterator[tuple[dict[str, Any] | None, str | None]]:
    """Yield the newest report there is, and why there is no newer one, at each interval."""
    report: dict[str, Any] | None = None
    while True:
        started = time.monotonic()
        try:
            report, trouble = ask(url), None
        except ExporterUnreachable as error:
            trouble = f"{error} Asking again."
        yield report, trouble
        time.sleep(max(0.0, started + interval_s - time.monotonic()))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH)
