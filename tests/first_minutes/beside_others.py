"""Beside `coderouter-cli` and the other `coderouter`: `cr-proxy` and `cr-exporter` survive what is done to those."""

import shutil
from itertools import permutations
from pathlib import Path

from first_minutes.machine import User, report, usual_path
from first_minutes.with_uv import user_of_uv

OURS, CLI, OTHER = "coderouter-exporter", "coderouter-cli", "coderouter"
PYTHON = "python3.12"  # which coderouter-cli requires


def check_pip(folder: Path, built: Path) -> None:
    """Install and uninstall the three with pip in every order, in one environment."""
    home = folder / "pip-user"
    home.mkdir()
    python = _python()
    if python is None:
        report(f"skipped: {PYTHON} is not installed, which {CLI} requires")
        return
    user = User(home, f"{home}/venv/bin:{usual_path()}")
    user.run(python, "-m", "venv", home / "venv")
    source = {OURS: str(built), CLI: CLI, OTHER: OTHER}
    user.run("pip", "install", "--quiet", *source.values())
    user.run("pip", "uninstall", "--quiet", "--yes", *source)
    for order in permutations(source):
        for name in order:
            user.run("pip", "install", "--quiet", "--no-deps", source[name])
            if OURS in order[: order.index(name) + 1]:
                _check(user, name)
        for name in (name for name in order if name != OURS):
            user.run("pip", "uninstall", "--quiet", "--yes", name)
            _check(user, None)
        repair = _repair(user)
        assert repair, "uninstalling others removes coderouter"
        user.run("sh", "-c", repair)
        _check(user, OURS)
        assert OURS in user.run("coderouter", "--version")
        user.run("pip", "uninstall", "--quiet", "--yes", OURS)
    report(f"pip: {len(list(permutations(source)))} orders of {OURS}, {CLI} and {OTHER}")


def check_uv(folder: Path, built: Path) -> None:
    """Install ours as a tool beside another tool."""
    user = user_of_uv(folder, "tools-user")
    python = _python()
    if python is None:
        return
    user.run("uv", "tool", "install", "--python", python, CLI)
    refused = user.run("uv", "tool", "install", built, code=2)
    assert "coderouter" in refused, refused
    assert "--force" in refused, refused
    user.run("uv", "tool", "install", "--force", built)
    _check(user, OURS)
    user.run("uv", "tool", "install", "--force", "--python", python, CLI)
    _check(user, CLI)
    user.run("uv", "tool", "uninstall", CLI)
    user.run("sh", "-c", f"uv tool install --force {built}")
    _check(user, OURS)
    report(f"uv tool: {OURS} beside {CLI}")


def _check(user: User, owner: str | None) -> None:
    """Check that ours still work; with an `owner`, that `coderouter` is its command, which the doctor names."""
    assert f"(distribution {OURS})" in user.run("cr-proxy", "--version")
    assert user.run("cr-exporter", "--version").startswith("cr-exporter ")
    if owner is None:
        return
    doctor = user.run("sh", "-c", "cr-proxy doctor || true")
    line = next(line for line in doctor.splitlines() if line.startswith("  ") and " coderouter  " in line)
    if owner == OURS:
        assert line.split()[0] == "OK", doctor
    else:
        assert line.split()[0] == "NEEDS_TUNING", doctor
        assert line.endswith(f"belongs to {owner}"), doctor
        assert _repair(user), doctor


def _repair(user: User) -> str:
    """Return the command that `cr-proxy --version` names to make `coderouter` ours again; empty if it is."""
    _, _, repair = user.run("cr-proxy", "--version").partition("; use cr-proxy, or ")
    return repair.partition(": ")[2].strip()


def _python() -> str | None:
    """Return a Python 3.12 that can make environments; one of pyenv is found by its shim."""
    found = shutil.which(PYTHON)
    shims = sorted(Path("~/.pyenv/versions").expanduser().glob("3.12.*/bin/python3.12"))
    return str(shims[-1]) if shims else found
