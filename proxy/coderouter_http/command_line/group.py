"""What the command lines of both programs share: their group of sub-commands, `--version`, addresses."""

import errno
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

import click

from coderouter_http.listen import parse_address

SETTINGS = {"help_option_names": ["-h", "--help"]}
"""Context settings of a program; its sub-commands inherit them."""

_OF_PATHS = frozenset(
    (
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.EROFS,
        errno.ENOSPC,
        errno.EDQUOT,
    )
)
"""Errors of a path that its owner can correct."""

F = TypeVar("F", bound=Callable[..., object])


class Group(click.Group):
    """A group that suggests sub-commands for a misspelt one, and names a path that cannot be used in one line."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.filename is None or error.errno not in _OF_PATHS:
                raise
            click.echo(
                f"{ctx.find_root().info_name}: cannot use {error.filename} ({error.strerror})", err=True
            )
            ctx.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            if args[0].startswith("-"):
                raise
            raise click.UsageError(self._unknown(ctx, args[0]), ctx) from None

    def _unknown(self, ctx: click.Context, name: str) -> str:
        near = get_close_matches(name, self.list_commands(ctx))
        hint = f"did you mean {' or '.join(near)}?" if near else f"{ctx.command_path} -h lists them"
        return f"there is no command {name!r}; {hint}"


class Address(click.ParamType[tuple[str, int]]):
    name = "HOST:PORT"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        try:
            return parse_address(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def version_option(program: str) -> Callable[[F], F]:
    """Return the option `--version` of a program."""

    def show(ctx: click.Context, _: click.Parameter, value: object) -> None:
        from coderouter_http import product  # noqa: PLC0415 - quick help

        if value and not ctx.resilient_parsing:
            click.echo(product.version_text(program))
            ctx.exit()

    return click.option(
        "--version",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version, and whether another product answers to `coderouter` here.",
    )
