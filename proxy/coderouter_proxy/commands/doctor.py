"""`coderouter doctor`."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderouter_http.command_line import local_urls
from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start

if TYPE_CHECKING:
    from coderouter_proxy.doctor.result import Result

COULD_NOT_RUN = 1
DEFAULT_ENV_FILES = ""  # the value of `--check-env` without a path


class _UsageError(click.UsageError):
    exit_code = COULD_NOT_RUN  # click's own 2 would mean that something needs tuning


class _DoctorCommand(click.Command):
    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise _UsageError(error.format_message(), error.ctx) from None


@click.command(cls=_DoctorCommand)
@click.option(
    "--check-model",
    "names",
    multiple=True,
    metavar="PROVIDER",
    envvar="CODEROUTER_DOCTOR_CHECK_MODEL",
    show_envvar=True,
    help="Ask this provider's model small questions and compare what it does with what is declared. Repeatable.",
)
@click.option(
    "--all",
    "all_providers",
    is_flag=True,
    envvar="CODEROUTER_DOCTOR_ALL",
    show_envvar=True,
    help="Like --check-model, for every provider.",
)
@click.option(
    "--check-env",
    "env_path",
    metavar="[PATH]",
    is_flag=False,
    flag_value=DEFAULT_ENV_FILES,
    envvar="CODEROUTER_DOCTOR_CHECK_ENV",
    show_envvar=True,
    help="Check that keys are stored safely  [default: the env files that the proxy would read]",
)
@click.option(
    "--apply",
    is_flag=True,
    envvar="CODEROUTER_DOCTOR_APPLY",
    show_envvar=True,
    help="Write the patches of --check-model into providers.yaml after a backup, and show the diff.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    envvar="CODEROUTER_DOCTOR_DRY_RUN",
    show_envvar=True,
    help="Show what --apply would change, without changing anything.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    envvar="CODEROUTER_DOCTOR_TIMEOUT",
    show_envvar=True,
    help="Time limit for each --check-model question  [default: the provider's timeout_s]",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="CODEROUTER_DOCTOR_JSON",
    show_envvar=True,
    help="Write JSON.",
)
@click.option(
    "--watch",
    is_flag=True,
    envvar="CODEROUTER_DOCTOR_WATCH",
    show_envvar=True,
    help="Check the pipeline again every few seconds until Ctrl-C, and print what has changed.",
)
@options.CONFIG
@options.EVENTS
@options.ENV_FILES
@options.ENV_FILE_OVERRIDE
@options.PROXY_URL
@click.option(
    "--exporter-url",
    default=local_urls.exporter_url,
    show_default=f"{local_urls.EXPORTER_URL}, or by $CR_EXPORTER_LISTEN",
    envvar="CODEROUTER_EXPORTER_URL",
    show_envvar=True,
    help="URL of the exporter.",
)
def doctor(
    *,
    names: tuple[str, ...],
    all_providers: bool,
    env_path: str | None,
    apply: bool,
    dry_run: bool,
    timeout_s: float | None,
    as_json: bool,
    watch: bool,
    config: Path | None,
    events: str,
    env_files: tuple[Path, ...],
    env_file_override: bool,
    proxy_url: str,
    exporter_url: str,
) -> None:
    """Diagnose problems and suggest fixes.

    Without --check-model, --all or --check-env, check the whole pipeline, from providers.yaml to the exporter.

    Exit codes: 0 when everything is as declared, 2 when something needs tuning, 1 when a check could not run; 1 wins
    over 2.
    """
    from coderouter_proxy.config.env_files import EnvFileError  # noqa: PLC0415 - quick help
    from coderouter_proxy.config.validation import ConfigErrors  # noqa: PLC0415
    from coderouter_proxy.doctor import output, result, watching  # noqa: PLC0415
    from coderouter_proxy.doctor.keys.env_files import check_env  # noqa: PLC0415
    from coderouter_proxy.doctor.pipeline.checks import check_pipeline  # noqa: PLC0415

    models = bool(names) or all_providers
    if (apply or dry_run) and not models:
        raise _UsageError("--apply and --dry-run require --check-model or --all")
    if watch and (models or env_path is not None):
        raise _UsageError("--watch checks the pipeline only; leave out --check-model, --all and --check-env")
    pipeline = partial(
        check_pipeline,
        config=config,
        events_path=options.events_path(events),
        proxy_url=proxy_url,
        exporter_url=exporter_url,
    )
    results: list[Result] = []
    try:
        options.read_env_files(env_files, override=env_file_override)
        if watch:
            sys.exit(watching.keep_checking(pipeline, as_json=as_json))
        if env_path is not None:
            env_file = None if env_path == DEFAULT_ENV_FILES else Path(env_path)
            results += check_env(env_file, config=config, env_files=env_files)
        if models:
            results += _check_models(config, names, all_providers=all_providers, timeout_s=timeout_s)
        if env_path is None and not models:
            results += pipeline()
    except (ConfigErrors, EnvFileError) as error:
        fail_start(error, COULD_NOT_RUN)
    if apply or dry_run:
        _show_with_change(results, config, as_json=as_json, dry_run=dry_run)
    else:
        output.show(results, as_json=as_json)
    sys.exit(result.exit_code(results))


def _check_models(
    config: Path | None, names: tuple[str, ...], *, all_providers: bool, timeout_s: float | None
) -> "list[Result]":
    """Return the results for the named providers, or for all; at a terminal, stderr shows the progress.

    Raises:
        ConfigErrors: providers.yaml is invalid, or has no provider with one of the names.
    """
    from rich.console import Console  # noqa: PLC0415 - quick help

    from coderouter_proxy.config import load  # noqa: PLC0415
    from coderouter_proxy.doctor.probes import run  # noqa: PLC0415
    from coderouter_proxy.routing import capabilities  # noqa: PLC0415

    loaded = load.load(load.find(config)).config
    selection = run.select_providers(loaded, names, all_providers=all_providers)
    rules = capabilities.load()
    with Console(stderr=True).status("") as status:
        return run.check_models(selection, rules, timeout_s, status.update)


def _show_with_change(results: "list[Result]", config: Path | None, *, as_json: bool, dry_run: bool) -> None:
    """Write the patches into providers.yaml, unless it is a dry run, and show the change."""
    from coderouter_proxy.config import load  # noqa: PLC0415 - quick help
    from coderouter_proxy.config.validation import ConfigErrors  # noqa: PLC0415
    from coderouter_proxy.doctor import output  # noqa: PLC0415
    from coderouter_proxy.doctor.patch.apply import plan_change, write_change  # noqa: PLC0415
    from coderouter_proxy.doctor.patch.yaml_edit import PatchError  # noqa: PLC0415

    try:
        change = plan_change(load.find(config), output.patches_by_subject(results))
        if not dry_run:
            change = write_change(change)
    except (ConfigErrors, PatchError) as error:
        output.show(results, as_json=as_json)
        fail_start(error, COULD_NOT_RUN)
    output.show(results, as_json=as_json, change=change)
