"""A path that cannot be used is one line of every command, and no traceback."""

from pathlib import Path

import pytest

from support.exporter.privileges import unprivileged
from support.processes import SCRIPTS, clean_environment
from support.run_command import run


@pytest.mark.parametrize(
    "command", ["check-config", "init", "reload", "doctor --check-env", "service status --user", "prices"]
)
def test_a_home_that_cannot_be_searched_is_named(command: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0)
    ended = run(
        (*unprivileged(), SCRIPTS / "coderouter", *command.split()),
        clean_environment(HOME=str(home)),
        tmp_path,
    )
    assert ended.code in (1, 3)
    [line] = ended.stderr.splitlines()
    assert line.startswith("coderouter: ")
    assert str(home) in line
    assert "Permission denied" in line
