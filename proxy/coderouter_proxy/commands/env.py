"""`coderouter env`: the settings that connect an agent to the proxy."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from coderouter_proxy.commands import options
from coderouter_proxy.commands.options import STARTUP_FAILURE, fail_start

if TYPE_CHECKING:
    from coderouter_proxy.agents.table import Agent, Target
    from coderouter_proxy.agents.write import Change


class _AgentKey(click.ParamType[str]):
    name = "agent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from coderouter_proxy.agents.table import BY_KEY  # noqa: PLC0415 - quick help

        if value not in BY_KEY:
            self.fail(f"there is no agent {value!r}; choose from {', '.join(BY_KEY)}", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from coderouter_proxy.agents.table import AGENTS  # noqa: PLC0415 - quick help

        found = [agent for agent in AGENTS if agent.key.startswith(incomplete)]
        return [CompletionItem(agent.key, help=agent.name) for agent in found]


@click.command("env")
@click.argument("key", metavar="[AGENT]", type=_AgentKey(), required=False)
@options.PROXY_URL
@click.option(
    "--profile",
    envvar="CODEROUTER_ENV_PROFILE",
    show_envvar=True,
    help="Profile to send with each request  [default: none; the proxy chooses]",
)
@click.option(
    "--context",
    "context_tokens",
    type=click.IntRange(min=1),
    metavar="TOKENS",
    envvar="CODEROUTER_ENV_CONTEXT",
    show_envvar=True,
    help="Context size of the model, so that the agent compacts in time  [default: that of the profile's providers, "
    "where it is known]",
)
@options.CONFIG
@click.option(
    "--write",
    is_flag=True,
    envvar="CODEROUTER_ENV_WRITE",
    show_envvar=True,
    help="Write them into the agent's settings file: shows the diff, asks, and keeps a backup.",
)
@click.option(
    "--yes",
    is_flag=True,
    envvar="CODEROUTER_ENV_YES",
    show_envvar=True,
    help="Do not ask before writing.",
)
def env(
    *,
    key: str | None,
    proxy_url: str,
    profile: str | None,
    context_tokens: int | None,
    config: Path | None,
    write: bool,
    yes: bool,
) -> None:
    """Print the settings that connect AGENT to the proxy; without AGENT, list the agents.

    Variables are printed for `eval "$(coderouter env claude)"`, the content of a settings file as it is; what to do
    with it goes to stderr.
    """
    from coderouter_proxy.agents.table import AGENTS, BY_KEY, Target  # noqa: PLC0415 - quick help

    if key is None:
        for agent in AGENTS:
            click.echo(f"{agent.key:<10} {agent.name}")
        return
    agent = BY_KEY[key]
    target = Target(
        url=proxy_url.rstrip("/"),
        profile=profile,
        context_tokens=context_tokens or _known_context(config, profile),
    )
    if write:
        _write(agent, target, ask=not yes)
    else:
        _print(agent, target)


def _known_context(config: Path | None, profile: str | None) -> int | None:
    """Return the smallest context of the profile's providers; None where one is unknown.

    Without a valid configuration it is unknown; `check-config` says what is wrong with it.
    """
    from coderouter_proxy.config import load, validation  # noqa: PLC0415 - quick help
    from coderouter_proxy.settings import effective  # noqa: PLC0415

    try:
        return effective.context_tokens(load.load(load.find(config)).config, profile)
    except validation.ConfigErrors:
        return None


def _print(agent: "Agent", target: "Target") -> None:
    from coderouter_proxy.agents.settings_text import as_text  # noqa: PLC0415 - quick help

    variables = {**agent.variables(target), **agent.more(target)}
    if variables:
        for name, value in variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
    elif agent.settings is not None:
        click.echo(as_text(agent.file, agent.settings(target)), nl=False)
        click.echo(f"# goes into {agent.file}: coderouter env {agent.key} --write", err=True)
    else:
        click.echo(agent.line(target))
        if agent.file:
            click.echo(f"# goes into {agent.file}", err=True)
    if agent.start:
        click.echo(f"# then: {agent.start}", err=True)


def _write(agent: "Agent", target: "Target", *, ask: bool) -> None:
    from coderouter_proxy.agents.settings_text import CannotMerge  # noqa: PLC0415 - quick help
    from coderouter_proxy.agents.write import CannotWrite, plan, write  # noqa: PLC0415

    if agent.settings is None:
        raise click.UsageError(f"{agent.name} has no settings file that can be written; leave out --write")
    try:
        change = plan(agent.file, agent.settings(target))
        if change.before == change.after:
            click.echo(f"{change.path} needs no change")
            return
        _show(change)
        if ask and not _confirmed(change.path):
            raise SystemExit(1)
        backup = write(change)
    except CannotMerge as error:
        click.echo(f"coderouter: {error}; add this by hand:", err=True)
        _print(agent, target)
        raise SystemExit(STARTUP_FAILURE) from None
    except CannotWrite as error:
        fail_start(error)
    click.echo(f"{change.path} was written{f'; backup: {backup}' if backup else ''}")
    if agent.start:
        click.echo(f"# then: {agent.start}", err=True)


def _show(change: "Change") -> None:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in change.diff():
        click.secho(line, fg=colours.get(line[:1]))


def _confirmed(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise click.UsageError(f"nothing was written; to write {path} without being asked, add --yes")
    return click.confirm(f"Write this into {path}?")
