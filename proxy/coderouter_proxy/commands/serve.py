"""`coderouter serve`."""

from pathlib import Path

import click

from coderouter_http.log_options import log_options
from coderouter_http.logs import LogOptions
from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start


@click.command()
@options.HOST
@options.PORT
@options.CONFIG
@options.MODE
@options.EVENTS
@options.ENV_FILES
@options.ENV_FILE_OVERRIDE
@click.option(
    "--insecure",
    is_flag=True,
    envvar="CODEROUTER_INSECURE",
    show_envvar=True,
    help="Listen on non-loopback addresses without requiring client keys.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    envvar="CODEROUTER_WORKERS",
    show_envvar=True,
    type=click.IntRange(1, 64),
    help="Number of worker processes.",
)
@click.option(
    "--grace-s",
    default=30.0,
    show_default=True,
    envvar="CODEROUTER_GRACE_S",
    show_envvar=True,
    type=click.FloatRange(0),
    help="Seconds to let in-flight requests finish after SIGTERM; whatever is left is ended with an error.",
)
@log_options("CODEROUTER", access_log=True, requests="finished request of an agent")
def serve(
    *,
    host: str,
    port: int,
    config: Path | None,
    mode: str | None,
    events: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    insecure: bool,
    workers: int,
    grace_s: float,
    logs: LogOptions,
) -> None:
    """Run the proxy until Ctrl-C or SIGTERM.

    It keeps no counts: `cr-exporter` counts its events and serves a dashboard. `coderouter run` starts both.
    """
    from coderouter_proxy.config import env_files as envfiles  # noqa: PLC0415
    from coderouter_proxy.config import load, validation  # noqa: PLC0415 - quick help
    from coderouter_proxy.routing import profiles  # noqa: PLC0415 - quick help
    from coderouter_proxy.server import run  # noqa: PLC0415 - quick help
    from coderouter_proxy.settings.launch import LaunchOptions, read_settings  # noqa: PLC0415 - quick help

    try:
        options.read_env_files(env_files, override=env_file_override)
        launch = LaunchOptions(
            config_path=load.find(config),
            mode=mode,
            mode_source=options.mode_source(),
            events_path=options.events_path(events),
            host=host,
            insecure=insecure,
            workers=workers,
        )
        run.run(read_settings(launch), port=port, workers=workers, logs=logs, grace_s=grace_s)
    except (
        validation.ConfigErrors,
        envfiles.EnvFileError,
        profiles.UnknownMode,
        run.CannotStart,
    ) as error:
        fail_start(error)
