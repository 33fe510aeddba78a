"""The manual pages are those of the commands as they are now, and man accepts them."""

import subprocess

import pytest

from coderouter_proxy.cli import COMMANDS
from support import docs, man_pages
from support.programs import program


@pytest.mark.parametrize("name", man_pages.pages())
def test_a_page_is_what_the_help_says_now(name: str) -> None:
    assert (docs.MAN / name).read_text(encoding="utf-8") == man_pages.pages()[name], "run `make docs`"


@pytest.mark.parametrize("name", ["coderouter.1", "cr-exporter.1"])
def test_man_shows_it_without_a_warning(name: str) -> None:
    shown = subprocess.run(
        [program("man"), "--warnings", "--local-file", docs.MAN / name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    assert "OPTIONS" in shown.stdout


def test_every_command_is_in_it() -> None:
    page = man_pages.pages()["coderouter.1"]
    for name in COMMANDS:
        assert f".SS coderouter {name}".replace("-", "\\-") in page
