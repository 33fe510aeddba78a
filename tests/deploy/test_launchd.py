"""`coderouter service` on a Mac, simulated: the property lists are valid, and launchctl gets the right commands."""

import os
import plistlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.processes import SCRIPTS, clean_environment

TESTS = str(Path(__file__).parents[1])
DOMAIN = f"gui/{os.getuid()}"
LAUNCHCTL = """\
#!/bin/sh
echo "$*" >>"$HOME/calls"
case $1 in
    print) [ "$2" = "{domain}" ] || [ -e "$HOME/loaded-${{2##*/}}" ] ;;
    bootstrap) touch "$HOME/loaded-$(basename "$3" .plist)" ;;
    bootout) rm "$HOME/loaded-${{2##*/}}" ;;
esac
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the home of a user with a launchctl that keeps which jobs are loaded."""
    launchctl = tmp_path / "bin/launchctl"
    launchctl.parent.mkdir()
    launchctl.write_text(LAUNCHCTL.format(domain=DOMAIN))
    launchctl.chmod(0o755)
    for name in ("cr-proxy", "cr-exporter"):
        (tmp_path / "bin" / name).symlink_to(SCRIPTS / name)
    return tmp_path


def service(home: Path, *arguments: str, reachable: bool = True) -> subprocess.CompletedProcess[str]:
    run = "runpy.run_module('support.proxy.macos', None, '__main__')"
    script = f"import sys, runpy; sys.argv[0] = sys.argv.pop(1); {run}"
    command = [sys.executable, "-c", script, str(home / "bin/coderouter"), "service", *arguments]
    path = f"{home}/bin:/usr/bin:/bin" if reachable else "/usr/bin:/bin"
    environment = clean_environment(HOME=str(home), PYTHONPATH=TESTS, PATH=path)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def job(home: Path, label: str) -> dict[str, Any]:
    loaded: dict[str, Any] = plistlib.loads((home / f"Library/LaunchAgents/{label}.plist").read_bytes())
    return loaded


def changes(home: Path) -> list[str]:
    """Return what launchctl was asked to change."""
    return [line for line in (home / "calls").read_text().splitlines() if not line.startswith("print")]


def test_it_writes_a_valid_pair_that_runs_the_programs_beside_it(home: Path) -> None:
    done = service(home, "install", "--user")
    assert done.returncode == 0, done.stderr
    proxy, exporter = job(home, "coderouter.proxy"), job(home, "coderouter.exporter")
    env_file = str(home / ".coderouter/coderouter.env")
    assert proxy["ProgramArguments"] == [str(home / "bin/cr-proxy"), "serve", "--env-file", env_file]
    assert exporter["ProgramArguments"] == [str(home / "bin/cr-exporter")]
    for each in (proxy, exporter):
        assert each["RunAtLoad"] is True
        assert each["KeepAlive"] == {"SuccessfulExit": False}
        assert each["Umask"] == 0o077
        assert each["WorkingDirectory"] == str(home / ".coderouter")
        assert each["StandardErrorPath"].startswith(str(home / ".coderouter"))
    assert Path(env_file).stat().st_mode & 0o777 == 0o600


def test_both_are_started_and_restarted_after_an_upgrade(home: Path) -> None:
    service(home, "install", "--user")
    agents = home / "Library/LaunchAgents"
    start = [f"bootstrap {DOMAIN} {agents}/coderouter.{name}.plist" for name in ("exporter", "proxy")]
    assert changes(home) == start
    assert service(home, "install", "--user").returncode == 0
    stop = [f"bootout {DOMAIN}/coderouter.{name}" for name in ("proxy", "exporter")]
    assert changes(home) == [*start, *stop, *start]


def test_status_and_uninstall(home: Path) -> None:
    assert service(home, "status", "--user").returncode == 4
    service(home, "install", "--user")
    assert service(home, "status", "--user").returncode == 0
    (home / "loaded-coderouter.proxy").unlink()
    assert service(home, "status", "--user").returncode == 3
    assert service(home, "uninstall", "--user").returncode == 0
    assert list((home / "Library/LaunchAgents").iterdir()) == []
    assert (home / ".coderouter/providers.yaml").exists()
    assert changes(home)[-1] == f"bootout {DOMAIN}/coderouter.exporter"


def test_without_launchctl_the_commands_are_printed(home: Path) -> None:
    done = service(home, "install", "--user", reachable=False)
    assert done.returncode == 0
    assert f"launchctl bootstrap {DOMAIN} {home}/Library/LaunchAgents/coderouter.proxy.plist" in done.stdout
    assert f"to do it: mv {home}/.coderouter/events.jsonl" in done.stdout
