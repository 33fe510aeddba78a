"""The commands `coderouter stats` and `coderouter dashboard`."""

import sys
from urllib.parse import urlsplit

import click

from coderouter_http.command_line import browser
from coderouter_http.command_line.local_urls import EXPORTER_URL, exporter_url

UNREACHABLE = 1


class Url(click.ParamType[str]):
    name = "URL"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        url = str(value)
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            self.fail(f"{url!r} is not the URL of an exporter; write e.g. {EXPORTER_URL}", param, ctx)
        return url.rstrip("/").removesuffix("/metrics.json").removesuffix("/dashboard")


_url = click.option(
    "--url",
    type=Url(),
    default=exporter_url,
    show_default=f"{EXPORTER_URL}, or by $CR_EXPORTER_LISTEN",
    envvar="CODEROUTER_EXPORTER_URL",
    show_envvar=True,
    help="URL of the exporter, including any path prefix before /metrics.json; https://name:password@host sends "
    "credentials.",
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
    help="Seconds between refreshes.",
)
@click.option(
    "--once",
    is_flag=True,
    envvar="CODEROUTER_STATS_ONCE",
    show_envvar=True,
    help="Print once and exit; exit 1 if the exporter cannot be reached.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="CODEROUTER_STATS_JSON",
    show_envvar=True,
    help="Print the exporter's /metrics.json, one line per refresh.",
)
def stats(*, url: str, interval_s: float, once: bool, as_json: bool) -> None:
    """Show providers, the paid gate and recent events, as counted by the exporter, until Ctrl-C.

    The output is plain text when it is not a terminal. NO_COLOR turns colours off.
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
    """Print the URL of the exporter's dashboard, and open it in a browser if there is one.

    Exits 1 if there is no exporter at that URL.
    """
    from coderouter_exporter.terminal.client import (  # noqa: PLC0415 - quick help
        ExporterUnreachable,
        fetch_report,
        without_credentials,
    )

    try:
        fetch_report(url)
    except ExporterUnreachable as error:
        click.echo(f"coderouter: {error}", err=True)
        sys.exit(UNREACHABLE)
    click.echo(f"{without_credentials(urlsplit(url))}/dashboard")
    browser.open_page(f"{url}/dashboard")
