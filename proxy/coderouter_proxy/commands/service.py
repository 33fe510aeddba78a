"""`coderouter service`: both programs as services of one user."""

import shlex
import subprocess
import sys
from pathlib import Path

import click

from coderouter_http.command_line import group
from coderouter_proxy.commands.options import fail_start

NOT_RUNNING, NOT_INSTALLED = 3, 4  # as systemctl status exits

user_option = click.option(
    "--user",
    "for_user",
    is_flag=True,
    envvar="CODEROUTER_SERVICE_USER",
    show_envvar=True,
    help="Per-user services, no root needed. For system-wide services: make install, see deploy/README.md.",
)


@click.group(cls=group.Group)
def service() -> None:
    """Run proxy and exporter as services: of systemd, or of launchd on macOS."""


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
    """Install both services and a starter configuration, and start them, now and at each login.

    Run it again after an upgrade. Existing configuration is kept.
    """
    from coderouter_proxy.services import files, manager  # noqa: PLC0415 - quick help

    _require_user(for_user)
    services = manager.of_this_system()
    try:
        written = services.write(Path(sys.argv[0]).absolute().parent)
    except files.NoPrograms as error:
        fail_start(error)
    for path in written:
        click.echo(f"wrote {path}")
    if no_start or not services.is_reachable():
        _print_commands(f"to start them, run this where {services.where} works:", services.start_commands())
    else:
        _run(services.start_commands())
        _run(services.status_commands())
    for remark in services.remarks():
        click.echo(remark)


@service.command()
@user_option
def uninstall(*, for_user: bool) -> None:
    """Stop both programs and remove the services. Configuration, events and totals are kept."""
    from coderouter_proxy.services import files, manager  # noqa: PLC0415 - quick help

    _require_user(for_user)
    services = manager.of_this_system()
    reachable = services.is_reachable()
    if reachable and services.is_installed():
        _run(services.stop_commands())
    for path in services.remove():
        click.echo(f"removed {path}")
    if reachable:
        _run(services.reload_commands())
    click.echo(f"left in place: {files.data_folder()}")


@service.command()
@user_option
def status(*, for_user: bool) -> None:
    """Show whether both programs are running; exits 0 if they are, 3 if one is not, 4 if they are not installed."""
    from coderouter_proxy.services import manager  # noqa: PLC0415 - quick help

    _require_user(for_user)
    services = manager.of_this_system()
    if not services.is_installed():
        click.echo("not installed; run: coderouter service install --user")
        sys.exit(NOT_INSTALLED)
    if not services.is_reachable():
        lead = f"installed; to see whether they are running, run this where {services.where} works:"
        _print_commands(lead, services.status_commands())
        sys.exit(NOT_RUNNING)
    codes = [subprocess.run(command, check=False).returncode for command in services.status_commands()]
    sys.exit(NOT_RUNNING if any(codes) else 0)


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
