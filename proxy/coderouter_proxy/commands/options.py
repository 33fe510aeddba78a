"""What several sub-commands share: their options, how they load env files, and how they fail."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from coderouter_events import paths
from coderouter_http.command_line import local_urls

if TYPE_CHECKING:
    from coderouter_events.closed_sets import ModeSource

STARTUP_FAILURE = 3  # as uvicorn exits: a supervisor can tell a failed start from a crash

HOST = click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="CODEROUTER_HOST",
    show_envvar=True,
    help="Address the proxy listens on.",
)
PORT = click.option(
    "--port",
    default=4000,
    show_default=True,
    envvar="CODEROUTER_PORT",
    show_envvar=True,
    type=click.IntRange(0, 65535),
    help="TCP port the proxy listens on; 0 picks a free one and prints it.",
)
PROXY_URL = click.option(
    "--proxy-url",
    default=local_urls.proxy_url,
    show_default=f"{local_urls.PROXY_URL}, or by $CODEROUTER_PORT",
    envvar="CODEROUTER_PROXY_URL",
    show_envvar=True,
    help="URL of the proxy.",
)
CONFIG = click.option(
    "--config",
    envvar="CODEROUTER_CONFIG",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="providers.yaml to read  [default: ./providers.yaml, ~/.coderouter/providers.yaml, built-in]",
)
MODE = click.option(
    "--mode",
    envvar="CODEROUTER_MODE",
    show_envvar=True,
    help="Mode or profile for requests that do not name one; overrides default_profile.",
)
EVENTS = click.option(
    "--events",
    envvar=paths.EVENTS_ENV,
    show_envvar=True,
    default=paths.DEFAULT_EVENTS,
    show_default=True,
    help="File to append events to; `off` disables it.",
)
ENV_FILES = click.option(
    "--env-file",
    "env_files",
    multiple=True,
    envvar="CODEROUTER_ENV_FILE",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="File of NAME=value lines, e.g. API keys. Repeatable.",
)
ENV_FILE_OVERRIDE = click.option(
    "--env-file-override",
    is_flag=True,
    envvar="CODEROUTER_ENV_FILE_OVERRIDE",
    show_envvar=True,
    help="Let env files override variables that are already set.",
)


def read_env_files(paths: Sequence[Path], *, override: bool) -> None:
    """Load the files into the environment and print the names of the variables they set to stderr.

    Raises:
        EnvFileError: one cannot be read.
    """
    from coderouter_proxy.config import env_files  # noqa: PLC0415 - quick help
    from coderouter_proxy.redact import name_shown  # noqa: PLC0415

    for path in paths:
        names = env_files.load(path, override=override)
        set_names = ", ".join(map(name_shown, names)) or "nothing"
        click.echo(f"coderouter: {path} set {set_names}", err=True)


def events_path(events: str) -> Path | None:
    """Return the file that `--events` names; None for `off`."""
    return None if events == paths.EVENTS_OFF else Path(events).expanduser()


def mode_source() -> "ModeSource":
    """Return whether `--mode` comes from the command line or from the environment."""
    source = click.get_current_context().get_parameter_source("mode")
    return "flag" if source is click.core.ParameterSource.COMMANDLINE else "env"


def fail_start(error: Exception, exit_code: int = STARTUP_FAILURE) -> NoReturn:
    """Print the lines of the error to stderr and exit."""
    for line in str(error).splitlines():
        click.echo(f"coderouter: {line}", err=True)
    sys.exit(exit_code)
