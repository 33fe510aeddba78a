"""`-h` works everywhere, and a misspelt command is met with the one that was meant."""

from pathlib import Path

import pytest

from coderouter_proxy.cli import COMMANDS
from support import run_command
from support.processes import SCRIPTS
from support.run_command import Ended

PLUGINS = ("stats", "dashboard", "requests", "trace", "spend", "compare", "suggest")
PROXY = [("coderouter", *words.split()) for words in ("", *COMMANDS, *PLUGINS, "service install")]
EXPORTER = [("cr-exporter", *words.split()) for words in ("", "fold", "backfill")]


def run(*command: str) -> Ended:
    return run_command.run((SCRIPTS / command[0], *command[1:]))


@pytest.mark.parametrize("command", PROXY + EXPORTER, ids=" ".join)
def test_h_is_help(command: tuple[str, ...]) -> None:
    short = run(*command, "-h")
    assert short.code == 0, short.stderr
    assert short.stdout.startswith(f"Usage: {' '.join(command)}")
    assert "-h, --help" in short.stdout


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("coderouter srve", "serve"),
        ("coderouter stat", "stats"),
        ("coderouter request", "requests"),
        ("coderouter service isntall", "install"),
        ("cr-exporter fodl", "fold"),
    ],
)
def test_a_misspelt_command_is_answered_with_the_one_that_was_meant(command: str, meant: str) -> None:
    ended = run(*command.split())
    assert ended.code == 2
    assert f"there is no command '{command.rsplit(maxsplit=1)[-1]}'; did you mean" in ended.stderr
    assert meant in ended.stderr.partition("did you mean")[2]


def test_a_command_like_no_other_is_answered_with_where_they_are_listed() -> None:
    assert "there is no command 'xyzzy'; coderouter -h lists them" in run("coderouter", "xyzzy").stderr


@pytest.mark.parametrize("address", [":0", "127.0.0.1:0", "[::1]:0"])
def test_an_address_may_leave_out_its_host(address: str, tmp_path: Path) -> None:
    from coderouter_http.listen import listen, parse_address, url_of  # noqa: PLC0415

    with listen(*parse_address(address)) as sock:
        host = "0.0.0.0" if address == ":0" else address.rpartition(":")[0]
        assert url_of(sock).startswith(f"http://{host}:")
