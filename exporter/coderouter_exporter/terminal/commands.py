"""The commands `coderouter stats` and `coderouter dashboard`."""

import click

from coderouter_exporter.queries.choices import STEP_MINUTES
from coderouter_exporter.terminal import options
from coderouter_http.command_line import browser


@click.command()
@options.url
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
    "--hours",
    type=click.Choice(tuple(map(str, STEP_MINUTES))),
    default="1",
    show_default=True,
    envvar="CODEROUTER_STATS_HOURS",
    show_envvar=True,
    help="The range: the last hour, up to the last 30 days.",
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
def stats(*, url: str, interval_s: float, hours: str, once: bool, as_json: bool) -> None:
    """Show how requests ended, providers, cost and recent events, as counted by the exporter, until Ctrl-C.

    The output is plain text when it is not a terminal. NO_COLOR turns colours off.
    """
    from coderouter_exporter.terminal import show  # noqa: PLC0415 - quick help

    if not once:
        show.keep_showing(url, int(hours), interval_s, as_json=as_json)
        return
    with options.errors_end_it():
        show.show_once(url, int(hours), as_json=as_json)


@click.command()
@options.url
def dashboard(*, url: str) -> None:
    """Print the URL of the exporter's dashboard, and open it in a browser if there is one.

    Exits 1 if there is no exporter at that URL.
    """
    from coderouter_exporter.terminal import client  # noqa: PLC0415 - quick help

    with options.errors_end_it():
        client.fetch_report(url)
    click.echo(f"{client.shown(url)}/dashboard")
    browser.open_page(f"{url}/dashboard")
