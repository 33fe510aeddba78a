"""The command `coderouter spend`."""

from datetime import datetime

import click

from coderouter_exporter.queries.choices import SPEND_BY
from coderouter_exporter.terminal import options


class By(click.ParamType[tuple[str, ...]]):
    name = "NAMES"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        names = tuple(str(value).split(","))
        if not set(names) <= SPEND_BY.keys() or len(set(names)) < len(names):
            self.fail(f"{value!r} should be some of {','.join(SPEND_BY)}, each once", param, ctx)
        return names


@click.command()
@click.option(
    "--by",
    type=By(),
    default="day",
    show_default=True,
    help=f"What to sum up by: some of {','.join(SPEND_BY)}, separated by commas.",
)
@options.since("30d")
@click.option("--until", type=options.Time(), help="To the day of this time.")
@click.option("--json", "as_json", is_flag=True, help="Print what the exporter returns at /api/v1/spend.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header.")
@options.url
def spend(
    *, by: tuple[str, ...], since: datetime, until: datetime | None, as_json: bool, as_csv: bool, url: str
) -> None:
    """Show cost and tokens by day, provider, model, agent or profile, of up to 400 days.

    Days are those of `display_timezone` in providers.yaml, else of UTC. A cost is unknown if providers.yaml has no
    price for the provider; it is never counted as $0.
    """
    from coderouter_exporter.terminal import show_spend  # noqa: PLC0415 - quick help

    if as_csv and as_json:
        raise click.UsageError("--csv cannot be combined with --json")
    times = [("since", options.timestamp(since))]
    times += [("until", options.timestamp(until))] if until else []
    with options.errors_end_it():
        if as_csv:
            show_spend.print_csv(url, by, times)
        elif as_json:
            show_spend.print_json(url, by, times)
        else:
            show_spend.print_table(url, by, times)
