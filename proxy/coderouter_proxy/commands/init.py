"""`coderouter init`."""

import os
import re
import sys
from pathlib import Path

import click

from coderouter_events import private
from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import fail_start


class OutputError(Exception):
    """The file cannot be written; the message says why and what to do."""


class Probe(click.ParamType[tuple[str, str]]):
    name = "NAME=URL"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        from coderouter_proxy.init import clouds  # noqa: PLC0415 - quick help

        name, _, url = str(value).partition("=")
        is_valid = re.fullmatch(r"[a-z][a-z0-9_-]*", name) and re.fullmatch(r"https?://[^\s@?#]+", url)
        if not is_valid or name in {cloud.name for cloud in clouds.CLOUDS}:
            what = f"{value!r} is not NAME=URL with an unused name"
            self.fail(f"{what}; write e.g. gpu-box=http://192.168.1.5:8000", param, ctx)
        return name, url


@click.command()
@click.option(
    "--output",
    default="~/.coderouter/providers.yaml",
    show_default=True,
    envvar="CODEROUTER_INIT_OUTPUT",
    show_envvar=True,
    help="Output file; an existing file is never overwritten.",
)
@click.option(
    "--probe",
    "probes",
    multiple=True,
    type=Probe(),
    envvar="CODEROUTER_INIT_PROBE",
    show_envvar=True,
    help="Also probe this OpenAI-compatible server; use ollama, llamacpp, lmstudio or vllm as NAME to probe that "
    "server at another address. Repeatable.",
)
@click.option(
    "--allow-paid",
    is_flag=True,
    envvar="CODEROUTER_INIT_ALLOW_PAID",
    show_envvar=True,
    help="Allow paid providers.",
)
@click.option(
    "--non-interactive",
    is_flag=True,
    envvar="CODEROUTER_INIT_NON_INTERACTIVE",
    show_envvar=True,
    help="Do not prompt: use everything found (the default without a terminal).",
)
@click.option(
    "--port",
    default=4000,
    show_default=True,
    envvar="CODEROUTER_PORT",
    show_envvar=True,
    type=click.IntRange(1, 65535),
    help="Port the proxy will use, for the commands printed at the end.",
)
@options.ENV_FILES
def init(
    *,
    output: str,
    probes: tuple[tuple[str, str], ...],
    allow_paid: bool,
    non_interactive: bool,
    port: int,
    env_files: tuple[Path, ...],
) -> None:
    """Write a starter providers.yaml from what is found on this machine.

    Looks for Ollama, llama.cpp, LM Studio and vLLM, and for environment variables with keys of cloud providers. Keys
    are neither sent anywhere nor written to a file.
    """
    from coderouter_proxy.config.env_files import EnvFileError  # noqa: PLC0415 - quick help
    from coderouter_proxy.init import clouds, local_servers, prompts, starter_config  # noqa: PLC0415

    path = Path(output).expanduser()
    interactive = not non_interactive and sys.stdin.isatty() and sys.stdout.isatty()
    try:
        _check_unused(path)
        options.read_env_files(env_files, override=False)
        scans, keys = local_servers.scan(local_servers.servers_to_scan(probes)), clouds.with_key()
        prompts.show_found(scans, keys)
        found = [starter_config.local_entry(scan) for scan in scans if scan.models]
        found += map(starter_config.cloud_entry, keys)
        if not found:
            entries = starter_config.placeholder_entries(scans[0].server)
        else:
            entries = prompts.choose(found) if interactive else found
        if interactive and not allow_paid:
            allow_paid = prompts.confirm_paid(entries)
        _write(path, starter_config.render(entries, allow_paid=allow_paid))
    except (EnvFileError, OutputError) as error:
        fail_start(error)
    prompts.show_written(path, entries, allow_paid=allow_paid)
    prompts.show_next(path, port=port, found_any=bool(found))


def _check_unused(path: Path) -> None:
    if path.is_symlink() or path.exists():
        raise OutputError(
            f"{path} already exists and init never overwrites: inspect it with `coderouter check-config {path}`, "
            "move it away, or write another file with --output"
        )


def _write(path: Path, text: str) -> None:
    """Create the file; outside a home it has the default mode: a service of another user may have to read it."""
    try:
        private.make_folder(path.parent)
        with os.fdopen(private.create(path, 0o666), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}; write another file with --output"
        ) from None
