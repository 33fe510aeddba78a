"""The distribution that both programs belong to, its version, and which product answers to `coderouter`.

Other distributions install a command of that name too, so this one also installs it as `cr-proxy`.
"""

import csv
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePath
from urllib.parse import unquote, urlsplit

DISTRIBUTION = "coderouter-exporter"
COMMAND = "coderouter"
ALIAS = "cr-proxy"
SCRIPT_BYTES_MAX = 4096
MARKS = {b"coderouter_proxy": DISTRIBUTION, b"coderouter.cli": "coderouter-cli"}
"""What a script of each product contains."""
INSTALLERS = {"uv-receipt.toml": "uv tool install", "pipx_metadata.json": "pipx install"}
"""By the file that each leaves in the environments that it makes."""
PIP = "pip install"
SHIMS = (b"pyenv", b"asdf", b"mise")
"""Scripts that contain one of these start whatever the currently selected Python has."""


@dataclass(frozen=True)
class Answering:
    """Another product answers to `coderouter`, or nothing does; and how to change that."""

    message: str
    remedy: str


@cache
def version() -> str:
    return metadata.version(DISTRIBUTION)


def version_text(program: str) -> str:
    """Return what `--version` prints: program, version, distribution, and who else answers to `coderouter`."""
    text = f"{program} {version()} (distribution {DISTRIBUTION})"
    other = other_product()
    return f"{text}\n{other.message}; {other.remedy}" if other else text


def other_product() -> Answering | None:
    """Return what is wrong with the command `coderouter` here, and how to repair it; None if it is ours."""
    own = _own_script()
    if own is not None and (product := _product_of(own)) != DISTRIBUTION:
        found = f"{own} belongs to {product}" if product else f"{own} is gone"
        remedy = f"use {ALIAS}, or install this one again: {_reinstall()}"
        return Answering(found, remedy)
    first = shutil.which(COMMAND)
    if first is None or (product := _product_of(Path(first))) in (DISTRIBUTION, None):
        return None
    folder = shlex.quote(str(own.parent if own else Path(sys.executable).parent))
    repair = _reinstall() if _installer() != PIP else f"export PATH={folder}:$PATH"
    return Answering(
        f"`{COMMAND}` on this PATH is {first}, which belongs to {product}",
        f"use {ALIAS}, or let that command be ours: {repair}",
    )


def _own_script() -> Path | None:
    """Return where this distribution installed `coderouter`, whether it is still there or not."""
    return next((path for path, _ in _scripts(metadata.distribution(DISTRIBUTION))), None)


def _scripts(distribution: metadata.Distribution) -> Iterator[tuple[Path, str]]:
    """Yield where the distribution installed a command `coderouter`, with its size; `files` leaves out those gone."""
    for row in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        path, size = (row[0], row[-1]) if row else ("", "")
        if PurePath(path).name == COMMAND:
            yield Path(os.path.normpath(str(distribution.locate_file(path)))), size


def _product_of(script: Path) -> str | None:
    """Return the distribution that the script belongs to; None if there is no script, or only a version manager's."""
    try:
        with script.open("rb") as file:
            head = file.read(SCRIPT_BYTES_MAX)
    except OSError:
        return None
    if any(shim in head for shim in SHIMS):
        return DISTRIBUTION if b"coderouter_proxy" in head else None
    return next((name for mark, name in MARKS.items() if mark in head), None) or _claimed_by(script)


def _claimed_by(script: Path) -> str:
    """Return the other distribution of this Python that installed this file: of several, the one whose size it has."""
    size = str(script.stat().st_size)
    claims = {
        recorded == size: str(distribution.metadata["Name"])
        for distribution in metadata.distributions()
        for path, recorded in _scripts(distribution)
        if distribution.metadata["Name"] != DISTRIBUTION and _is_same(path, script)
    }
    return claims.get(True) or claims.get(False) or "another product"


def _is_same(one: Path, other: Path) -> bool:
    return os.path.realpath(one.parent) == os.path.realpath(other.parent) and one.name == other.name


def _reinstall() -> str:
    """Return the command that installs this distribution again, as it was installed before."""
    source = shlex.quote(_source())
    installer = _installer()
    if installer != PIP:
        return f"{installer} --force {source}"
    if find_spec("pip") is None:
        return f"uv pip install --python {shlex.quote(sys.executable)} --reinstall --no-deps {source}"
    return f"{shlex.quote(sys.executable)} -m pip install --force-reinstall --no-deps {source}"


def _installer() -> str:
    """Return the command that installed the environment of this Python."""
    return next((how for file, how in INSTALLERS.items() if (Path(sys.prefix) / file).exists()), PIP)


def _source() -> str:
    """Return the file or folder that this distribution was installed from, or its name."""
    import json  # noqa: PLC0415 - only for a repair

    text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    url = urlsplit(json.loads(text)["url"]) if text else None
    return unquote(url.path) if url and url.scheme == "file" else DISTRIBUTION
