"""The commands `coderouter stats` and `coderouter dashboard`, which show what an exporter has counted."""

import os
import sys
import webbrowser
from urllib.parse import urlsplit

import click

UNREACHABLE = 1
URL = "http://127.0.0.1:9847"


class Url(click.ParamType[str]):
    name = "URL"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        url = str(value)
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fits = False
        if not fits:
            self.fail(f"{url!r} is not the address of an exporter; write e.g. {URL}", param, ctx)
        return url.rstrip("/").removesuffix("/metrics.json").removesuffix("/dashboard")


_url = click.option(
    "--url",
    type=Url(),
    default=URL,
    show_default=True,
    envvar="CODEROUTER_EXPORTER_URL",
    show_envvar=True,
    help="Where the exporter serves, with the path in front of /metrics.json if there is one; "
    "https://name:password@host gives it a name and a password.",
)


@click.command()
@_url
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    envvar="CODEROUTER_STATS_INTERVAL",
    show_envvar=True,
    help="Seconds between two looks.",
)
@click.option(
    "--once",
    is_flag=True,
    envvar="CODEROUTER_STATS_ONCE",
    show_envvar=True,
    help="Show it once and end; exit 1 when no exporter answers.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="CODEROUTER_STATS_JSON",
    show_envvar=True,
    help="Print the exporter's /metrics.json, one line per look.",
)
def stats(*, url: str, interval_s: float, once: bool, as_json: bool) -> None:
    """Show providers, gates and recent events, as the exporter has counted them, until Ctrl-C.

    Where the output is no terminal it is plain text. NO_COLOR turns colours off.
    """
    from coderouter_exporter.terminal import show  # noqa: PLC0415 - quick help
    from coderouter_exporter.terminal.client import ExporterUnreachable  # noqa: PLC0415 - quick help

    if not once:
        show.keep_showing(url, interval_s, as_json=as_json)
        return
    try:
        show.show_once(url, as_json=as_json)
    except ExporterUnreachable as error:
        click.echo(f"coderouter: {error}", err=True)
        sys.exit(UNREACHABLE)


@click.command()
@_url
def dashboard(*, url: str) -> None:
    """Open the exporter's page in a browser, or print its address where there is none."""
    from coderouter_exporter.terminal.client import without_credentials  # noqa: PLC0415 - quick help

    click.echo(f"{without_credentials(urlsplit(url))}/dashboard")
    if _has_display():
        webbrowser.open(f"{url}/dashboard")


def _has_display() -> bool:
    """Return whether a browser would have a window: one that fills the terminal is not meant."""
    shown_by = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in shown_by)
