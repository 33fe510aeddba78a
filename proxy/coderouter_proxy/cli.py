"""The `coderouter` command: a table of sub-commands, each imported when it is used."""

import gc
from importlib import import_module
from importlib.metadata import entry_points

import click

from coderouter_http.command_line import group

COMMANDS = {
    "serve": "coderouter_proxy.commands.serve:serve",
    "run": "coderouter_proxy.commands.run:run",
    "init": "coderouter_proxy.commands.init:init",
    "check-config": "coderouter_proxy.commands.check_config:check_config",
    "migrate": "coderouter_proxy.commands.migrate:migrate",
    "explain-route": "coderouter_proxy.commands.explain_route:explain_route",
    "prices": "coderouter_proxy.commands.prices:prices",
    "prometheus-config": "coderouter_proxy.commands.prometheus_config:prometheus_config",
    "reload": "coderouter_proxy.commands.reload:reload",
    "env": "coderouter_proxy.commands.env:env",
    "doctor": "coderouter_proxy.commands.doctor:doctor",
    "completion": "coderouter_proxy.commands.completion:completion",
    "service": "coderouter_proxy.commands.service:service",
}
PLUGINS = "coderouter.commands"
"""Entry point group in which other packages, such as the exporter's, add sub-commands."""

OBJECTS_OF_IMPORTS = 500_000
"""Imports create many objects and hardly any garbage; looking for it takes a tenth of the startup."""


class _LazyGroup(group.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *sorted(entry_points(group=PLUGINS).names)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            gc.set_threshold(OBJECTS_OF_IMPORTS)
            module, _, name = COMMANDS[cmd_name].partition(":")
            command = getattr(import_module(module), name)
        else:
            plugin = next(iter(entry_points(group=PLUGINS, name=cmd_name)), None)
            command = plugin.load() if plugin else None
        assert command is None or isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup, context_settings=group.SETTINGS)
@group.version_option("coderouter")
def main() -> None:
    """A local-first LLM router for coding agents.

    `cr-proxy` is the same command, for machines where `coderouter` is another product. `cr-exporter` counts what the
    proxy does and serves a dashboard.
    """
