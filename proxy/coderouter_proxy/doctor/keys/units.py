"""Check systemd units for keys: `systemctl show` shows `Environment=` to every user, whatever the file's mode."""

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
# A path with `%`, which systemd expands, does not match.
ENV_FILE = re.compile(r"^\s*EnvironmentFile\s*=\s*-?(/[^%\n]*?)\s*$", re.MULTILINE)
ENVIRONMENT = re.compile(r"^\s*Environment\s*=\s*(.*)$", re.MULTILINE)
CONTINUED = re.compile(r"\\\n\s*")


def check() -> Iterator[Result]:
    """Yield one result for each of our units; `SYSTEMD_UNIT_PATH` replaces the folders, as it does for systemd."""
    our_units = list(_our_units())
    for path, text in our_units:
        names = list(_secret_names(text))
        yield Result(
            subject=str(path),
            check="keys in it",
            verdict=Verdict.NEEDS_TUNING if names else Verdict.OK,
            message=f"Environment= shows {', '.join(names)} to every user" if names else "none",
            remedy="put it in a file with mode 0600, name that in EnvironmentFile=, and create a new key"
            if names
            else "",
        )
    if not our_units:
        message = "no units of coderouter or cr-exporter"
        yield Result(subject="systemd units", check="keys in them", verdict=Verdict.SKIP, message=message)


def env_files() -> list[Path]:
    """Return the files that our units name in `EnvironmentFile=`, as far as this user can see them."""
    names = [name for _, text in _our_units() for name in ENV_FILE.findall(text)]
    return [Path(name) for name in names if os.access(name, os.F_OK)]


def _our_units() -> Iterator[tuple[Path, str]]:
    """Yield our units and drop-ins with their text: those with our names, and those that run one of our commands."""
    for folder in _unit_folders():
        for path in sorted([*folder.glob("*.service"), *folder.glob("*.service.d/*.conf")]):
            try:
                text = path.read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            unit_name = path.parent.name if path.suffix == ".conf" else path.name
            if OURS.search(unit_name) or OURS.search(text):
                yield path, text


def _unit_folders() -> list[Path]:
    given = os.environ.get("SYSTEMD_UNIT_PATH", "")
    folders = [folder for folder in given.split(":") if folder]
    if not given or given.endswith(":"):
        folders += FOLDERS
    return [Path(folder).expanduser() for folder in folders]


def _secret_names(text: str) -> Iterator[str]:
    """Yield the names of variables whose value looks like a key."""
    for line in ENVIRONMENT.findall(CONTINUED.sub(" ", text)):
        try:
            assignments = shlex.split(line)
        except ValueError:  # unbalanced quote
            assignments = line.replace("'", "").replace('"', "").split()
        for assignment in assignments:
            name, _, value = assignment.partition("=")
            if is_secret(name, value):
                yield name
