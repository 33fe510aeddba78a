"""`coderouter check-config`."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import STARTUP_FAILURE, fail_start

if TYPE_CHECKING:
    from rich.table import Table

    from coderouter_proxy.settings.effective import Link

CHAINS = "Providers each profile would try now"
TRAITS = "What providers accept, where it is not the default"


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
    from datetime import UTC, datetime  # noqa: PLC0415 - quick help

    import orjson  # noqa: PLC0415

    from coderouter_proxy.config import env_files as envfiles  # noqa: PLC0415
    from coderouter_proxy.config import load, validation  # noqa: PLC0415
    from coderouter_proxy.config.warnings import warnings as doubtful  # noqa: PLC0415
    from coderouter_proxy.prices.warnings import price_warnings  # noqa: PLC0415
    from coderouter_proxy.routing import profiles  # noqa: PLC0415
    from coderouter_proxy.settings import accepted, contexts, effective, learnt  # noqa: PLC0415
    from coderouter_proxy.settings.launch import LaunchOptions, read_settings  # noqa: PLC0415

    try:
        options.read_env_files(env_files, override=env_file_override)
        found = load.find(path)
        launch = LaunchOptions(
            config_path=found,
            mode=mode,
            mode_source=options.mode_source(),
            events_path=options.events_path(events),
            host="127.0.0.1",
            insecure=False,
        )
        settings = read_settings(launch)
    except (validation.ConfigErrors, profiles.UnknownMode, envfiles.EnvFileError) as error:
        if as_json:
            click.echo(
                orjson.dumps({"valid": False, "faults": str(error).splitlines()}, option=orjson.OPT_INDENT_2)
            )
            raise SystemExit(STARTUP_FAILURE) from None
        fail_start(error)
    config, keys_set = effective.config(settings), effective.keys_set(settings)
    chains = effective.chains(settings)
    changed = learnt.changed(settings)
    needed = learnt.traits(settings, changed)
    traits = accepted.traits(settings, changed)
    warnings = [*doubtful(settings.config), *price_warnings(settings.config, datetime.now(UTC).date())]
    if as_json:
        shown = {
            "valid": True,
            "path": found and str(found),
            "config": config,
            "keys_set": keys_set,
            "chains": chains,
            "traits": {
                provider: {
                    name: {"value": trait.value, "from": trait.source} for name, trait in of_provider.items()
                }
                for provider, of_provider in traits.items()
            },
            "learnt": needed,
            "contexts": {
                provider: {
                    "max_context_tokens": each.max_context_tokens,
                    "from": each.source,
                    "tokens_per_estimated_token": each.ratio,
                }
                for provider, each in contexts.known(settings).items()
            },
            "warnings": warnings,
            "coderouter_2": settings.notes,
        }
        click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2))
        return
    summary = (
        f"{found} is valid" if found else "There is no providers.yaml; the built-in configuration is used"
    )
    rows = [
        (provider, name, _in_yaml(trait.value), trait.source)
        for provider, of_provider in traits.items()
        for name, trait in of_provider.items()
        if trait.source != accepted.DEFAULT
    ]
    notes = [
        *_learnt(needed),
        *(
            f"context: {provider} has {each.max_context_tokens:,} tokens, as its server reports"
            for provider, each in contexts.known(settings).items()
            if each.source == contexts.SERVER
        ),
        *(f"{found}:{note}" for note in settings.notes),
    ]
    _show(summary, _as_yaml(config, keys_set), chains, rows, notes, warnings)


def _as_yaml(config: Mapping[str, Any], keys_set: Mapping[str, bool]) -> str:
    """Return the configuration as YAML, with a comment after each variable and file of keys."""
    import yaml  # noqa: PLC0415 - quick help

    def with_comment(line: re.Match[str]) -> str:
        name = line[1].strip("'")
        return f"{line[0]}  # {'set' if keys_set[name] else 'not set'}" if name in keys_set else line[0]

    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=100)
    return re.sub(r"^ *(?:api_keys?_(?:env|file):|-) (\S+)$", with_comment, text, flags=re.MULTILINE)


def _learnt(traits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return for each provider the line that makes what the running proxy learnt permanent."""
    return [
        f"learnt: {provider} needs traits: {_in_yaml(dict(needed))}" for provider, needed in traits.items()
    ]


def _in_yaml(value: Any) -> str:  # noqa: ANN401
    """Return the value in one line."""
    import yaml  # noqa: PLC0415 - quick help

    plain = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("...\n").strip()


def _show(
    summary: str,
    config: str,
    chains: Mapping[str, Sequence["Link"]],
    traits: Sequence[tuple[str, str, str, str]],
    learnt: Sequence[str],
    warnings: Sequence[str],
) -> None:
    rows = [(profile, *row) for profile, links in chains.items() for row in _numbered(links)]
    if not sys.stdout.isatty():
        click.echo(f"{summary}\n\n{config}\n{CHAINS}\n")
        for profile, number, provider, remark in rows:
            click.echo(f"{profile}: {number} {provider}{f' ({remark})' if remark else ''}")
        if traits:
            click.echo(f"\n{TRAITS}\n")
        for provider, name, value, source in traits:
            click.echo(f"{provider}: {name}: {value} ({source})")
        for line in learnt:
            click.echo(line)
        for warning in warnings:
            click.echo(f"warning: {warning}")
        return
    from rich import box  # noqa: PLC0415 - not needed in a pipe
    from rich.console import Console  # noqa: PLC0415
    from rich.syntax import Syntax  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    console.print(f"[green]{summary}[/]\n", highlight=False, soft_wrap=True)
    console.print(Syntax(config, "yaml", theme="ansi_dark", background_color="default", word_wrap=True))
    table = Table(title=CHAINS, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in ("profile", "", "provider", ""):
        table.add_column(name, no_wrap=name == "provider")
    shown = ""
    for profile, number, provider, remark in rows:
        style = "dim" if number == "-" else "yellow" if remark else ""
        table.add_row("" if profile == shown else profile, number, Text(provider, style), Text(remark, style))
        shown = profile
    console.print(table)
    if traits:
        console.print(_traits_table(traits))
    for line in learnt:
        console.print(Text(line), soft_wrap=True)
    for warning in warnings:
        console.print(Text(f"warning: {warning}", "yellow"))


def _traits_table(rows: Sequence[tuple[str, str, str, str]]) -> "Table":
    from rich import box  # noqa: PLC0415 - not needed in a pipe
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=TRAITS, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for name in ("provider", "trait", "value", "from"):
        table.add_column(name)
    shown = ""
    for provider, name, value, source in rows:
        style = "yellow" if source == "learnt" else ""
        table.add_row("" if provider == shown else provider, name, Text(value, style), Text(source, style))
        shown = provider
    return table


def _numbered(links: Sequence["Link"]) -> list[tuple[str, str, str]]:
    """Return number, provider and remark of each; skipped ones have no number."""
    rows: list[tuple[str, str, str]] = []
    number = 0
    for link in links:
        number += link.tried
        shown = (str(number), link.remark) if link.tried else ("-", f"skipped: {link.remark}")
        rows.append((shown[0], link.provider, shown[1]))
    return rows
