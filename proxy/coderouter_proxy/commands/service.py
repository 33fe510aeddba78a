"""`coderouter service`: both programs as systemd user services."""

import shlex
import subprocess
import sys
from pathlib import Path

import click

from coderouter_proxy.commands.options import fail_start

user_option = click.option(
    "--user",
    "for_user",
    is_flag=True,
    envvar="CODEROUTER_SERVICE_USER",
    show_envvar=True,
    help="Per-user services, no root needed. For system-wide services: make install, see deploy/README.md.",
)


@click.group()
def service() -> None:
    """Run proxy and exporter as systemd services."""


@service.command()
@user_option
@click.option(
    "--no-start",
    is_flag=True,
    envvar="CODEROUTER_SERVICE_NO_START",
    show_envvar=True,
    help="Only write the files.",
)
def install(*, for_user: bool, no_start: bool) -> None:
    """Install the units and a starter configuration, and start both programs, now and at each login.

    Run it again after an upgrade. Existing configuration is kept.
    """
    from coderouter_proxy.server import user_service  # noqa: PLC0415 - quick help

    _require_user(for_user)
    try:
        written = user_service.write_units(Path(sys.argv[0]).absolute().parent)
        written += user_service.write_starter_files()
    except (user_service.NoPrograms, OSError) as error:
        fail_start(error)
    for path in written:
        click.echo(f"wrote {path}")
    if not user_service.can_confine():
        click.echo("users cannot create namespaces here, so the services can read and write what you can")
    if len(user_service.units_to_enable()) == len(user_service.SERVICES):
        click.echo(
            "logrotate is not installed, so the event file will grow without limit; on Debian: "
            "sudo apt install logrotate"
        )
    if no_start or not user_service.manager_is_reachable():
        _print_commands(
            "to start them, run this where systemctl --user works:", user_service.start_commands()
        )
        return
    _run(user_service.start_commands())
    _run([user_service.status_command()])
    click.echo("To keep them running while you are logged out: loginctl enable-linger")


@service.command()
@user_option
def uninstall(*, for_user: bool) -> None:
    """Stop both programs and remove the units. Configuration, events and totals are kept."""
    from coderouter_proxy.server import user_service  # noqa: PLC0415 - quick help

    _require_user(for_user)
    reachable = user_service.manager_is_reachable()
    if reachable and user_service.installed():
        _run(user_service.stop_commands())
    for path in user_service.remove_units():
        click.echo(f"removed {path}")
    if reachable:
        _run(user_service.reload_commands())
    click.echo(f"left in place: {user_service.data_folder()}")


@service.command()
@user_option
def status(*, for_user: bool) -> None:
    """Show whether both programs are running; exits 0 if they are, 3 if one is not, 4 if they are not installed."""
    from coderouter_proxy.server import user_service  # noqa: PLC0415 - quick help

    _require_user(for_user)
    if not user_service.installed():
        click.echo("not installed; run: coderouter service install --user")
        sys.exit(4)
    if not user_service.manager_is_reachable():
        _print_commands(
            "installed; to see whether they are running, run this where systemctl --user works:",
            [user_service.status_command()],
        )
        sys.exit(3)
    sys.exit(subprocess.run(user_service.status_command(), check=False).returncode)


def _require_user(for_user: bool) -> None:  # noqa: FBT001 - what the flag says
    if not for_user:
        raise click.UsageError("pass --user; system-wide services are installed by `make install`")


def _run(commands: list[list[str]]) -> None:
    for command in commands:
        code = subprocess.run(command, check=False).returncode
        if code != 0:
            click.echo(f"coderouter: `{shlex.join(command)}` exited with {code}", err=True)
            sys.exit(code)


def _print_commands(lead: str, commands: list[list[str]]) -> None:
    click.echo(lead)
    for command in commands:
        click.echo(f"  {shlex.join(command)}")
