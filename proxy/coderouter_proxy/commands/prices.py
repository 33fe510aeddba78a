"""`coderouter prices`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start

if TYPE_CHECKING:
    from coderouter_proxy.config.schema import Config
    from coderouter_proxy.prices.table import ListPrice

COLUMNS = ("host", "model", "prompt tokens", "input", "output", "cache read", "cache write", "as of")


@click.command()
@options.CONFIG
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="CODEROUTER_PRICES_JSON",
    show_envvar=True,
    help="Print JSON.",
)
def prices(*, config: Path | None, as_json: bool) -> None:
    """Show the list prices that this version knows, and what is wrong with those in providers.yaml.

    Prices are in US dollars per million tokens, each as of a day and from a source. `coderouter init` writes them for
    the providers it finds; nothing is fetched.
    """
    from datetime import UTC, datetime  # noqa: PLC0415 - quick help

    import orjson  # noqa: PLC0415

    from coderouter_proxy.config import load, validation  # noqa: PLC0415
    from coderouter_proxy.prices.table import list_prices  # noqa: PLC0415
    from coderouter_proxy.prices.warnings import price_warnings  # noqa: PLC0415

    try:
        loaded: Config = load.load(load.find(config)).config
    except validation.ConfigErrors as error:
        fail_start(error)
    warnings = list(price_warnings(loaded, datetime.now(UTC).date()))
    if as_json:
        rows = [row.model_dump(mode="json", exclude_none=True) for row in list_prices()]
        click.echo(orjson.dumps({"prices": rows, "warnings": warnings}, option=orjson.OPT_INDENT_2))
        return
    _show(list_prices())
    for warning in warnings:
        click.secho(f"warning: {warning}", fg="yellow")


def _show(rows: Sequence["ListPrice"]) -> None:
    shown = [
        (
            row.host,
            row.model,
            f"{row.context_tokens:,}",
            *(_usd(row.per_mtok().get(field)) for field in _FIELDS),
            f"{row.as_of}{f', valid until {row.until}' if row.until else ''}",
        )
        for row in rows
    ]
    if sys.stdout.isatty():
        _show_table(shown)
    else:
        for cells in (COLUMNS, *shown):
            click.echo("\t".join(cells))
    notes = {f"{row.source}{f', as on {row.page}' if row.page else ''}": None for row in rows}
    click.echo("\nDollars per million tokens. From:")
    for note in notes:
        click.echo(f"  {note}")
    click.echo()
    for row in rows:
        if row.remark:
            click.echo(f"{row.model}: {row.remark}")


_FIELDS = ("input_per_mtok", "output_per_mtok", "cache_read_per_mtok", "cache_write_per_mtok")


def _usd(price: float | None) -> str:
    return "" if price is None else f"{price:g}"


def _show_table(rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - not needed in a pipe
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD)
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if 2 <= number <= 6 else "left")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
