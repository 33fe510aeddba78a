"""`coderouter reload`."""

import sys

import click

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import STARTUP_FAILURE, fail_start

NOT_RELOADED = 1


@click.command()
@options.EVENTS
@click.option(
    "--timeout",
    "timeout_s",
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    envvar="CODEROUTER_RELOAD_TIMEOUT",
    show_envvar=True,
    type=click.FloatRange(min=0, min_open=True),
    help="How long to wait for the proxy.",
)
def reload(*, events: str, timeout_s: float) -> None:
    """Have the running proxy read providers.yaml again, and print what has changed.

    The proxy is found by its event file. Requests in flight keep the previous configuration. If the new one is
    invalid, the whole proxy keeps it: exit code 3, with the errors. Exit code 1: no proxy was found, or none answered.
    """
    from coderouter_proxy.server import config_changes, running  # noqa: PLC0415 - quick help

    path = options.events_path(events)
    try:
        if path is None:
            raise running.NotReloaded(
                "events are off, so the proxy cannot be found: send it SIGHUP, e.g. kill -HUP PID"
            )
        reloads = running.reload_running(path, timeout_s)
    except running.NotReloaded as error:
        fail_start(error, NOT_RELOADED)
    errors = list(dict.fromkeys(line for reload in reloads for line in reload.errors))
    if errors:
        click.echo("coderouter: the configuration is invalid, so the previous one stays:", err=True)
        for line in errors:
            click.echo(f"coderouter: {line}", err=True)
        sys.exit(STARTUP_FAILURE)
    count = len(reloads)
    click.echo(f"reloaded{f' in {count} processes' if count > 1 else ''}")
    if any(reload.before is None for reload in reloads):
        click.echo("the configuration before it is too far back in the event file to be compared")
        return
    changed = [
        line for reload in reloads for line in config_changes.changes(reload.before or {}, reload.after)
    ]
    for line in dict.fromkeys(changed or ["providers, models, profiles and the paid gate are as before"]):
        click.echo(line)
