"""Run the real `coderouter doctor`."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes import clean_environment
from support.proxy import CODEROUTER


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
    environment = clean_environment(HOME=str(folder)) | dict(env or {})
    done = subprocess.run(
        [CODEROUTER, "doctor", *options],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
