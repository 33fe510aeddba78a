"""How a command ends that cannot start."""

import sys
from typing import NoReturn

import click

STARTUP_FAILURE = 3  # uvicorn's number for it: a supervisor can tell a failed start from a crash


def fail_start(fault: Exception, exit_code: int = STARTUP_FAILURE) -> NoReturn:
    """Write the fault's lines to stderr and exit."""
    for line in str(fault).splitlines():
        click.echo(f"coderouter: {line}", err=True)
    sys.exit(exit_code)
