"""Keys in systemd units: `systemctl show` tells their `Environment=` to every user, whatever the file's mode."""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from coderouter_proxy.doctor.result import Result, Verdict
from coderouter_proxy.redact import is_secret

FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/etc/systemd/user",
    "~/.config/systemd/user",
)
OURS = re.compile(r"coderouter|cr-exporter")
ENV_FILE = re.compile(
    r"^\s*EnvironmentFile\s*=\s*-?(/[^%\n]*?)\s*$", re.MULTILINE
)  # `%` begins what systemd fills in
ENVIRONMENT = re.compile(r"^\s*Environment\s*=\s*(.*)$", re.MULTILINE)
CONTINUED = re.compile(r"\\\n\s*")


def check() -> Iterator[Result]:
    """Yield one result for each of our units; `SYSTEMD_UNIT_PATH` replaces the folders, as for systemd."""
    found = list(_ours())
    for path, text in found:
        names = list(_secrets(text))
        yield Result(
            subject=str(path),
            check="keys in it",
            verdict=Verdict.NEEDS_TUNING if names else Verdict.OK,
            message=f"Environment= tells {', '.join(names)} to every user" if names else "none",
            remedy="put it into a file of mode 0600, name that in EnvironmentFile=, and make a new key"
            if names
            else "",
        )
    if not found:
        message = "none of coderouter or cr-exporter"
        yield Result(subject="systemd units", check="keys in them", verdict=Verdict.SKIP, message=message)


def env_files() -> list[Path]:
    """Return the files that our units name in `EnvironmentFile=` and that are there for this user to see."""
    names = [name for _, text in _ours() for name in ENV_FILE.findall(text)]
    return [Path(name) for name in names if os.access(name, os.F_OK)]


def _ours() -> Iterator[tuple[Path, str]]:
    """Yield our units and their drop-ins: those named so, and those that run one of our commands."""
    for folder in _folders():
        for path in sorted([*folder.glob("*.service"), *folder.glob("*.service.d/*.conf")]):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            named = path.parent.name if path.suffix == ".conf" else path.name
            if OURS.search(named) or OURS.search(text):
                yield path, text


def _folders() -> list[Path]:
    given = os.environ.get("SYSTEMD_UNIT_PATH", "")
    folders = [folder for folder in given.split(":") if folder]
    if not given or given.endswith(":"):
        folders += FOLDERS
    return [Path(folder).expanduser() for folder in folders]


def _secrets(text: str) -> Iterator[str]:
    """Yield the names of the variables that are set to what looks like a key."""
    for line in ENVIRONMENT.findall(CONTINUED.sub(" ", text)):
        try:
            assignments = shlex.split(line)
        except ValueError:  # an open quote
            assignments = line.replace("'", "").replace('"', "").split()
        for assignment in assignments:
            name, _, value = assignment.partition("=")
            if is_secret(name, value):
                yield name
