"""The commands `coderouter compare` and `coderouter suggest`."""

from datetime import datetime

import click

from coderouter_exporter.terminal import options


@click.command()
@click.argument("first", metavar="PROVIDER")
@click.argument("second", metavar="PROVIDER")
@options.since("7d")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.url
def compare(*, first: str, second: str, since: datetime, as_json: bool, url: str) -> None:
    """Compare two providers by the requests that the exporter keeps.

    Shows the success of their tries, the time to the first token of their streams, output tokens per second, cost, and
    why answers stopped. The range behind each value contains the true one with 95 % confidence. With fewer than 20
    observations nothing is concluded.
    """
    from coderouter_exporter.terminal import show_advice  # noqa: PLC0415 - quick help

    if first == second:
        raise click.UsageError("name two different providers")
    with options.errors_end_it():
        try:
            show_advice.compare(url, first, second, since, as_json=as_json)
        except show_advice.NotSeen as error:
            options.end(str(error))


@click.command()
@options.since("7d")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.url
def suggest(*, since: datetime, as_json: bool, url: str) -> None:
    """Suggest changes of providers.yaml, each with its evidence in the requests that the exporter keeps.

    \b
    Looks for providers that
    - fail much more often on long requests,
    - come before a faster and more reliable one,
    - are paid and come before an unpaid one that succeeds as often,
    - refuse their key,
    - often write tool calls as text.

    Nothing is suggested that could be chance, and nothing is changed.
    """
    from coderouter_exporter.terminal import show_advice  # noqa: PLC0415 - quick help

    with options.errors_end_it():
        show_advice.suggest(url, since, as_json=as_json)
