"""Run the real `coderouter doctor`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.run_command import coderouter


@dataclass(frozen=True)
class Run:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def run(folder: Path, *options: str, env: Mapping[str, str] | None = None) -> Run:
    """Run it in the folder, which may hold a providers.yaml."""
    ended = coderouter(folder, "doctor", *options, env=env)
    return Run(ended.code, ended.stdout, ended.stderr)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
