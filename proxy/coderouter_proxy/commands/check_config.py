"""`coderouter check-config`."""

from pathlib import Path

import click

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import STARTUP_FAILURE, fail_start


@click.command("check-config")
@click.argument("path", required=False, envvar="CODEROUTER_CONFIG", type=click.Path(path_type=Path))
@options.MODE
@options.EVENTS
@options.ENV_FILES
@options.ENV_FILE_OVERRIDE
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="CODEROUTER_CHECK_CONFIG_JSON",
    show_envvar=True,
    help="Print JSON.",
)
def check_config(
    *,
    path: Path | None,
    mode: str | None,
    events: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    as_json: bool,
) -> None:
    """Validate PATH and print the effective configuration.

    PATH defaults to the providers.yaml that `serve` would read ($CODEROUTER_CONFIG). All errors are reported at once,
    with exit code 3. It shows which variables are set, never their values, and warns of what was
    probably meant differently, of paid providers without a price, and of old prices.
    """
    import orjson  # noqa: PLC0415 - quick help

    from coderouter_proxy.commands import config_overview  # noqa: PLC0415
    from coderouter_proxy.config import env_files as envfiles  # noqa: PLC0415
    from coderouter_proxy.config import load, validation  # noqa: PLC0415
    from coderouter_proxy.routing import profiles  # noqa: PLC0415
    from coderouter_proxy.settings.launch import LaunchOptions, read_settings  # noqa: PLC0415

    try:
        options.read_env_files(env_files, override=env_file_override)
        found = load.find(path)
        launch = LaunchOptions(
            config_path=found,
            mode=mode,
            mode_source=options.mode_source(),
            events_path=options.events_path(events),
        )
        settings = read_settings(launch)
    except (validation.ConfigErrors, profiles.UnknownMode, envfiles.EnvFileError) as error:
        if as_json:
            faults = {"valid": False, "faults": str(error).splitlines()}
            click.echo(orjson.dumps(faults, option=orjson.OPT_INDENT_2))
            raise SystemExit(STARTUP_FAILURE) from None
        fail_start(error)
    overview = config_overview.overview(settings, found)
    if as_json:
        click.echo(orjson.dumps(overview.as_json(), option=orjson.OPT_INDENT_2))
    else:
        config_overview.show(overview)
