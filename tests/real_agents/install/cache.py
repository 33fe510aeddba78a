"""The folder with everything that is installed for `make agents`."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

INSTALL_S_MAX = 900


class NotInstalled(Exception):
    """A registry or its client could not install the packages; the message is the client's own."""


def installed(name: str, install: Callable[[Path], None]) -> Path:
    """Return the folder of this name, which `install` fills the first time.

    Raises:
        NotInstalled
    """
    folder = _cache() / name.replace("/", "+")
    if not folder.exists():
        print(f"installing {name} into {folder}", flush=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as begun:
            whole = Path(begun, "whole")
            whole.mkdir()
            install(whole)
            whole.rename(folder)  # last, so that an interrupted installation is not taken for a whole one
    return folder


def _cache() -> Path:
    return Path(os.environ.get("CODEROUTER_AGENTS_CACHE") or Path.home() / ".cache/coderouter-agents")


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """Return what the command prints.

    Raises:
        NotInstalled: it failed.
    """
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"{command[0]} took longer than {INSTALL_S_MAX} s") from None
    if done.returncode:
        raise NotInstalled(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")
    return done.stdout
