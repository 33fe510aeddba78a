"""Options that several sub-commands have, and the reading of env files that two of them ask for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderouter_events import paths

if TYPE_CHECKING:
    from coderouter_events.events import ModeSource

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
    help="Mode or profile of requests that name none; overrides default_profile.",
)
EVENTS = click.option(
    "--events",
    envvar=paths.EVENTS_ENV,
    show_envvar=True,
    default=paths.DEFAULT_EVENTS,
    show_default=True,
    help="File that events are appended to; `off` writes none.",
)
ENV_FILES = click.option(
    "--env-file",
    "env_files",
    multiple=True,
    envvar="CODEROUTER_ENV_FILE",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="File of NAME=value lines, e.g. with keys. Repeatable.",
)
ENV_FILE_OVERRIDE = click.option(
    "--env-file-override",
    is_flag=True,
    envvar="CODEROUTER_ENV_FILE_OVERRIDE",
    show_envvar=True,
    help="Let env files win over variables that are already set.",
)


def read_env_files(paths: Sequence[Path], *, override: bool) -> None:
    """Set the variables of the files, and say their names on stderr.

    Raises:
        EnvFileError: one cannot be read.
    """
    from coderouter_proxy.config import env_files  # noqa: PLC0415 - quick help

    for path in paths:
        names = env_files.load(path, override=override)
        click.echo(f"coderouter: {path} set {', '.join(names) or 'nothing'}", err=True)


def events_path(events: str) -> Path | None:
    """Return the file that `--events` names; None for `off`."""
    return None if events == paths.EVENTS_OFF else Path(events).expanduser()


def mode_source() -> "ModeSource":
    """Return what decides the default profile, where `--mode` is given by one or the other."""
    given = click.get_current_context().get_parameter_source("mode")
    return "flag" if given is click.core.ParameterSource.COMMANDLINE else "env"
