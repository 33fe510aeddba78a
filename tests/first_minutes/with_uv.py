"""The README's three commands with uv, and the agent's settings."""

import time
from pathlib import Path

from first_minutes.machine import User, report, usual_path
from support.processes import eventually, running

WARM_S_MAX = 60


def user_of_uv(folder: Path, name: str) -> User:
    """Return a user with uv, from the package index, and with a browser that notes what it opens."""
    home = folder / name
    (home / "bin").mkdir(parents=True)
    user = User(home, usual_path())
    user.run("python3", "-m", "venv", home / "uv")
    user.run(home / "uv/bin/pip", "install", "--quiet", "uv")
    (home / "bin/uv").symlink_to(home / "uv/bin/uv")
    browser = home / "bin/browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{home}/opened\n')
    browser.chmod(0o755)
    cache = {"UV_CACHE_DIR": str(folder / "uv-cache"), "BROWSER": f"{browser} %s"}
    return User(home, f"{home}/.local/bin:{home}/bin:{usual_path()}", cache)


def check(folder: Path, built: Path) -> None:
    user = user_of_uv(folder, "uv-user")
    for number in range(2):
        start = time.monotonic()
        user.run("uv", "tool", "install", folder / "source")
        assert "coderouter run" in user.run("coderouter", "init")
        commands = user.home / ".local/bin"
        with running(commands / "coderouter", "run", "--open", env=user.environment(), cwd=user.home) as both:
            took_s = user.first_answer(both, start)
            report(f"uv tool install, coderouter init, run ({'warm' if number else 'cold'} cache)", took_s)
            eventually((user.home / "opened").exists)
            assert f":{user.exporter_port}/dashboard" in (user.home / "opened").read_text()
            assert f"ANTHROPIC_BASE_URL=http://127.0.0.1:{user.port}\n" in user.run(
                "coderouter", "env", "claude"
            )
            assert both.stop() == 0
        assert number == 0 or took_s <= WARM_S_MAX
        if number == 0:
            user.run("uv", "tool", "uninstall", "coderouter-exporter")
            (user.home / ".coderouter/providers.yaml").unlink()
    refused = user.run(
        "uv", "tool", "run", "--from", built, "coderouter", "service", "install", "--user", code=3
    )
    assert "is in a package cache" in refused, refused
    report("uvx refuses to install services from its cache")
