"""`coderouter service`: both programs as services of one user."""

import shlex
import subprocess
import sys
from pathlib import Path

import click

from coderouter_proxy.commands.failing import fail_start

user_option = click.option(
    "--user",
    "for_user",
    is_flag=True,
    envvar="CODEROUTER_SERVICE_USER",
    show_envvar=True,
    help="Your own services, without root. Those of the whole machine: make install, deploy/README.md.",
)


@click.group()
def service() -> None:
    """Run proxy and exporter as services of systemd."""


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
    """Write the units and a configuration to begin with, and start both programs, now and at each login.

    Run it again after an upgrade. Configuration that is there stays as it is.
    """
    from coderouter_proxy.server import user_service  # noqa: PLC0415 - quick help

    _only(for_user)
    try:
        written = user_service.write_units(Path(sys.argv[0]).absolute().parent)
        written += user_service.write_skeletons()
    except (user_service.NoPrograms, OSError) as fault:
        fail_start(fault)
    for path in written:
        click.echo(f"wrote {path}")
    if len(user_service.to_start()) == len(user_service.SERVICES):
        click.echo(
            "logrotate is not installed, so the event file will grow; on Debian: sudo apt install logrotate"
        )
    if no_start or not user_service.manager_answers():
        _say("to start them, run where systemctl --user works:", user_service.start_commands())
        return
    _run(user_service.start_commands())
    _run([user_service.status_command()])
    click.echo("To have them run while you are not logged in: loginctl enable-linger")


@service.command()
@user_option
def uninstall(*, for_user: bool) -> None:
    """Stop both programs and remove the units. Configuration, events and totals stay."""
    from coderouter_proxy.server import user_service  # noqa: PLC0415 - quick help

    _only(for_user)
    answers = user_service.manager_answers()
    if answers and user_service.installed():
        _run(user_service.stop_commands())
    for path in user_service.remove_units():
        click.echo(f"removed {path}")
    if answers:
        _run(user_service.reload_commands())
    click.echo(f"left in place: {user_service.data_folder()}")


@service.command()
@user_option
def status(*, for_user: bool) -> None:
    """Show whether both programs run; exits 0 when they do, 3 when one does not, 4 when they are not installed."""
    from coderouter_proxy.server import user_service  # noqa: PLC0415 - quick help

    _only(for_user)
    if not user_service.installed():
        click.echo("not installed; install them: coderouter service install --user")
        sys.exit(4)
    if not user_service.manager_answers():
        _say(
            "installed; to see whether they run, where systemctl --user works:",
            [user_service.status_command()],
        )
        sys.exit(3)
    sys.exit(subprocess.run(user_service.status_command(), check=False).returncode)


def _only(for_user: bool) -> None:  # noqa: FBT001 - what the flag says
    if not for_user:
        raise click.UsageError("say --user; services of the whole machine are installed by `make install`")


def _run(commands: list[list[str]]) -> None:
    for command in commands:
        code = subprocess.run(command, check=False).returncode
        if code != 0:
            click.echo(f"coderouter: `{shlex.join(command)}` ended with {code}", err=True)
            sys.exit(code)


def _say(lead: str, commands: list[list[str]]) -> None:
    click.echo(lead)
    for command in commands:
        click.echo(f"  {shlex.join(command)}")
