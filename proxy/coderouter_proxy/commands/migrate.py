"""`coderouter migrate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coderouter_events.reasons import reason_of
from coderouter_proxy.commands.options import fail_start

if TYPE_CHECKING:
    from coderouter_proxy.doctor.patch.patch import Change


@click.command()
@click.argument("path", required=False, envvar="CODEROUTER_CONFIG", type=click.Path(path_type=Path))
@click.option(
    "--write",
    is_flag=True,
    envvar="CODEROUTER_MIGRATE_WRITE",
    show_envvar=True,
    help="Change the file, after a backup and a question.",
)
@click.option(
    "--yes",
    is_flag=True,
    envvar="CODEROUTER_MIGRATE_YES",
    show_envvar=True,
    help="With --write: do not ask.",
)
def migrate(*, path: Path | None, write: bool, yes: bool) -> None:
    """Rewrite a providers.yaml of CodeRouter 1.7 to 2.x with current names.

    PATH defaults to the providers.yaml that `serve` would read ($CODEROUTER_CONFIG). Comments and order are kept, and
    the result means the same: `serve` reads both. Shows what becomes of each key, and the diff.
    """
    from coderouter_proxy.config import load, validation  # noqa: PLC0415 - quick help
    from coderouter_proxy.config.coderouter2.migrate import CannotMigrate  # noqa: PLC0415
    from coderouter_proxy.doctor.patch.apply import write_change  # noqa: PLC0415
    from coderouter_proxy.doctor.patch.yaml_edit import PatchError  # noqa: PLC0415

    try:
        found = load.find(path)
        if found is None:
            raise validation.ConfigErrors(["there is no providers.yaml to migrate; name one"])
        change = _planned(found.resolve())
        if change.before == change.after:
            click.echo(f"{change.path} has no keys of CodeRouter 2.x; there is nothing to change.")
            return
        if not write:
            click.echo(f"\nNothing was written; --write changes {change.path}.")
            return
        if not yes and not _agreed(change):
            sys.exit(1)
        written = write_change(change)
    except (validation.ConfigErrors, CannotMigrate, PatchError) as error:
        fail_start(error)
    click.echo(f"{written.path} was changed; backup: {written.backup}")
    click.echo("A running proxy reads it with `coderouter reload`.")


def _planned(path: Path) -> "Change":
    """Show what becomes of each key, and the diff.

    Raises:
        ConfigErrors: the file cannot be read, or has errors.
        CannotMigrate: it is written in an unusual way.
    """
    from coderouter_proxy.config import validation  # noqa: PLC0415 - quick help
    from coderouter_proxy.config.coderouter2.migrate import migrated  # noqa: PLC0415
    from coderouter_proxy.doctor.patch.patch import Change  # noqa: PLC0415

    try:
        before = path.read_bytes().decode("utf-8")  # with its own line ends
    except (OSError, UnicodeDecodeError) as error:
        raise validation.ConfigErrors([f"{path}: cannot be read: {reason_of(error)}"]) from None
    after, notes = migrated(before, str(path))
    for note in notes:
        click.echo(f"{path}:{note}")
    change = Change(path, before, after)
    for line in ["", *change.diff()] if notes else []:
        click.secho(line, fg={"+": "green", "-": "red", "@": "cyan"}.get(line[:1]))
    return change


def _agreed(change: "Change") -> bool:
    if not sys.stdin.isatty():
        click.echo(
            "coderouter: cannot ask without a terminal; pass --yes to write without a question", err=True
        )
        return False
    return click.confirm(f"\nChange {change.path}?")
