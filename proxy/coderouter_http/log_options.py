"""The options of both commands that say what is logged, and how."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from coderouter_http.logs import LogOptions

Command = Callable[..., Any]


def log_options(prefix: str, *, access_log: bool, requests: str) -> Callable[[Command], Command]:
    """Return a decorator that adds the options and passes them as `logs`.

    Their environment variables begin with the prefix; `access_log` is the default, and `requests` is what it logs.
    """

    def add(command: Command) -> Command:
        @wraps(command)
        def with_logs(*args: Any, log_level: str, log_format: Any, access_log: str, **more: Any) -> Any:  # noqa: ANN401
            logs = LogOptions(level=log_level, format=log_format, access_log=access_log == "on")
            return command(*args, logs=logs, **more)

        for option in reversed(options):
            with_logs = option(with_logs)
        return with_logs

    options = (
        click.option(
            "--log-level",
            default="info",
            show_default=True,
            envvar=f"{prefix}_LOG_LEVEL",
            show_envvar=True,
            type=click.Choice(["debug", "info", "warning", "error"]),
            help="Minimum level of log messages written to stderr.",
        ),
        click.option(
            "--log-format",
            default="text",
            show_default=True,
            envvar=f"{prefix}_LOG_FORMAT",
            show_envvar=True,
            type=click.Choice(["text", "json"]),
            help="Text for people, with colours at a terminal, or one JSON object per line.",
        ),
        click.option(
            "--access-log",
            default="on" if access_log else "off",
            show_default=True,
            envvar=f"{prefix}_ACCESS_LOG",
            show_envvar=True,
            type=click.Choice(["on", "off"]),
            help=f"Log a line for each {requests}, at level info.",
        ),
    )
    return add
