"""`coderouter run`."""

import os
import sys
from pathlib import Path

import click

from coderouter_http.command_line.group import Address
from coderouter_http.command_line.local_urls import EXPORTER_URL_ENV
from coderouter_http.product import ALIAS
from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start


@click.command()
@options.HOST
@options.PORT
@click.option(
    "--listen",
    default="127.0.0.1:9847",
    show_default=True,
    envvar="CR_EXPORTER_LISTEN",
    show_envvar=True,
    type=Address(),
    help="Address the exporter listens on, or :PORT for all of them; port 0 picks a free port and prints it.",
)
@click.option(
    "--open",
    "open_dashboard",
    is_flag=True,
    envvar="CODEROUTER_RUN_OPEN",
    show_envvar=True,
    help="Open the dashboard in a browser once both run.",
)
@options.CONFIG
@options.EVENTS
def run(
    *,
    host: str,
    port: int,
    listen: tuple[str, int],
    open_dashboard: bool,
    config: Path | None,
    events: str,
) -> None:
    """Run the proxy and the exporter together until Ctrl-C or SIGTERM.

    Both read all other options from the environment; see `coderouter serve --help` and `cr-exporter --help`. If one
    of them exits on its own, the other is stopped, and the exit code is that of the first one.
    """
    from coderouter_proxy.server import run_both  # noqa: PLC0415 - quick help

    try:
        proxy, exporter = run_both.free_addresses((host, port), listen)
        serve = [
            run_both.find_program(ALIAS),
            "serve",
            "--host",
            proxy.host,
            "--port",
            str(proxy.port),
        ]
        if config:
            serve += ["--config", str(config)]
        count = [run_both.find_program("cr-exporter"), "--listen", f"{exporter.host}:{exporter.port}"]
    except run_both.CannotRun as error:
        fail_start(error)
    os.environ.setdefault(EXPORTER_URL_ENV, exporter.url)  # for the proxy, which redirects to it
    shared = ["--events", events]
    programs = ([*serve, *shared], [*count, *shared])
    sys.exit(run_both.run_both(proxy, exporter, *programs, open_dashboard=open_dashboard))
