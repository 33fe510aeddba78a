"""The command `coderouter trace`."""

from pathlib import Path

import click

from coderouter_exporter.terminal import options


@click.command()
@click.argument("request_id", metavar="REQ_ID")
@click.option(
    "--events",
    "event_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Read this event file and its rotated ones, compressed or not, instead of the exporter; repeat for several.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the request and its steps as JSON.")
@options.url
def trace(*, request_id: str, event_files: tuple[Path, ...], as_json: bool, url: str) -> None:
    """Show all that happened to one request: what was tried, for how long, and what came of it.

    REQ_ID is in the `X-Request-Id` header of its response, in `coderouter requests` and on the dashboard; its first
    letters suffice. The exporter keeps the newest requests; `--events ~/.coderouter/events.jsonl` finds older ones and
    needs no exporter. Exits 1 if there is no such request.
    """
    from coderouter_exporter.terminal import trace_request  # noqa: PLC0415 - quick help
    from coderouter_exporter.terminal.client import ExporterUnreachable  # noqa: PLC0415 - quick help
    from coderouter_exporter.terminal.event_files import NoEvents  # noqa: PLC0415 - quick help

    with options.errors_end_it():
        try:
            if event_files:
                found = trace_request.from_files([path.expanduser() for path in event_files], request_id)
            else:
                found = trace_request.from_exporter(url, request_id)
        except (trace_request.NotFound, NoEvents) as error:
            options.end(str(error))
        except ExporterUnreachable as error:
            options.end(f"{error}; {trace_request.EVENTS_HINT.format(request_id)}")
        for problem in found.problems:
            click.echo(f"coderouter: {problem}", err=True)
        trace_request.show(found, as_json=as_json)
