"""Help comes quickly: nothing heavy is imported for it, nor for a sub-command that does not need it."""

import re
import subprocess
import sys

import click
import pytest

from coderouter_proxy.cli import COMMANDS, main
from support.processes import clean_environment

HEAVY = (
    *("aiohttp", "pydantic", "starlette", "uvicorn", "uvloop", "orjson", "yaml", "regex", "dotenv", "rich"),
    *(
        "prometheus_client",
        "ruamel",
        "msgspec",
        "watchfiles",
        "sqlite3",
        "asyncio",
        "coderouter_exporter.cli",
    ),
)


def imported(*arguments: str) -> set[str]:
    """Return the modules that the command imports, as reported by the interpreter."""
    run = "from coderouter_proxy.cli import main; main()"
    report = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", run, *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    return set(re.findall(r"\| +([\w.]+)$", report, re.MULTILINE))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_imports_nothing_heavy(command: str) -> None:
    modules = imported(*command.split(), "--help")
    assert "coderouter_proxy.cli" in modules
    assert modules.isdisjoint(HEAVY), modules & set(HEAVY)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_its_environment_variable(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    without = [
        option.opts for option in command.params if isinstance(option, click.Option) and not option.envvar
    ]
    assert without == []
