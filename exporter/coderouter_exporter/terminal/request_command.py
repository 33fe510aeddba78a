"""The command `coderouter requests`."""

import click

from coderouter_exporter.terminal import options

LIMIT = 20


@click.command()
@options.filters
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"At most this many, the newest.  [default: {LIMIT}; with --json or --csv all of them]",
)
@click.option("-f", "--follow", is_flag=True, help="Continue with each request that ends, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print each request as a JSON object on a line.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV with a header.")
@options.url
def requests(
    *, url: str, limit: int | None, follow: bool, as_json: bool, as_csv: bool, **filters: object
) -> None:
    """List the newest requests that the exporter keeps, the newest one last.

    For example, what failed in the last two hours: `coderouter requests --failed --since 2h`. `coderouter trace` shows
    all that is known of one; an id may be shortened to its first letters.
    """
    from coderouter_exporter.terminal import list_requests  # noqa: PLC0415 - quick help

    if as_csv and (as_json or follow):
        raise click.UsageError(f"--csv cannot be combined with {'--json' if as_json else '--follow'}")
    wanted = options.parameters(filters)
    with options.errors_end_it():
        if follow:
            list_requests.follow(url, wanted, LIMIT if limit is None else limit, as_json=as_json)
        elif as_csv:
            list_requests.print_csv(url, wanted, limit)
        elif as_json:
            list_requests.print_json(url, wanted, limit)
        else:
            list_requests.print_table(url, wanted, LIMIT if limit is None else limit)
