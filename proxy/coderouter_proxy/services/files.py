"""The programs that services run, and the starter files that are written with them."""

import os
from importlib import resources
from pathlib import Path

from coderouter_http.product import ALIAS, DISTRIBUTION

PROGRAMS = (ALIAS, "cr-exporter")
"""`coderouter` itself may belong to another product one day."""
PACKAGED = resources.files("coderouter_proxy") / "servicefiles"
STARTER_FILES = {
    "providers.yaml": 0o600,
    "coderouter.env": 0o600,
    "cr-exporter.env": 0o600,
    "logrotate.conf": 0o644,
}
CACHES = (".cache", "Caches")
"""Folders in which package managers, such as `uvx`, keep what they may remove at any time."""
CACHE_VARIABLES = ("UV_CACHE_DIR", "XDG_CACHE_HOME")


class NoPrograms(Exception):
    """A program that the services run is not installed, or only in a cache; the message says what to do."""


def data_folder() -> Path:
    return Path.home() / ".coderouter"


def check_programs(folder: Path) -> None:
    """Check that services can run the programs of this folder.

    Raises:
        NoPrograms
    """
    for program in PROGRAMS:
        if not os.access(folder / program, os.X_OK):
            raise NoPrograms(
                f"{folder}/{program} is missing; install the whole package and run its coderouter by path"
            )
        if _is_in_cache(folder) or _is_in_cache((folder / program).resolve()):
            raise NoPrograms(
                f"{folder} is in a package cache, which may be emptied at any time; install the package first, "
                f"e.g. with uv tool install {DISTRIBUTION}, and run this again"
            )


def _is_in_cache(path: Path) -> bool:
    named = [Path(value) for name in CACHE_VARIABLES if (value := os.environ.get(name))]
    return any(part in CACHES for part in path.parts) or any(path.is_relative_to(cache) for cache in named)


def write_starter_files(*names: str) -> list[Path]:
    """Write these files of the starter configuration, except those that exist; return the paths written."""
    folder = data_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    written = []
    for name in names:
        path = folder / name
        if path.exists():
            continue
        path.touch(STARTER_FILES[name])
        path.write_text((PACKAGED / name).read_text(encoding="utf-8"), encoding="utf-8")
        written.append(path)
    return written
