"""Packages from PyPI, each in a virtual environment of its own."""

import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from real_agents.install import cache
from support.processes import clean_environment


@dataclass(frozen=True)
class Pip:
    """A package, and `more` requirements that go into the same environment; `alone`, without what they depend on.

    A program starts as `python -m`: its own script would have the path of a folder that is renamed.
    """

    package: str
    version: str
    more: tuple[str, ...] = ()
    alone: bool = False

    def programs(self) -> list[Path]:
        specs = (f"{self.package}=={self.version}", *self.more)
        options = ("--quiet", *(("--no-deps",) if self.alone else ()))

        def install(folder: Path) -> None:
            cache.run([sys.executable, "-m", "venv", str(folder)], clean_environment())
            python = str(folder / "bin/python")
            cache.run([python, "-m", "pip", "install", *options, *specs], clean_environment())

        name = ",".join(specs).replace("==", "@")  # mini-swe-agent takes a path with = for something else
        return [cache.installed(name, install) / "bin"]

    def latest(self) -> Self:
        listed = cache.run(
            [sys.executable, "-m", "pip", "index", "versions", self.package], clean_environment()
        )
        found = re.search(r"\((\S+)\)", listed)
        if found is None:
            raise cache.NotInstalled(f"pip lists no version of {self.package}")
        return replace(self, version=found[1])
