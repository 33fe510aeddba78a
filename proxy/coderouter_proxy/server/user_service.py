"""Proxy and exporter as systemd user services, without root."""

import os
import shutil
import subprocess
from contextlib import suppress
from importlib import resources
from pathlib import Path

SERVICES = ("cr-exporter.service", "coderouter.service")
ROTATION = ("coderouter-logrotate.timer", "coderouter-logrotate.service")
SANDBOX = "sandbox.conf"
"""Of each service, beside its unit; only where users can create namespaces, because it would not start elsewhere."""
PROGRAMS = ("coderouter", "cr-exporter")
PACKAGED_BIN = "%h/.local/bin"  # where the packaged units look for the programs
LOGROTATE = "/usr/sbin/logrotate"
STARTER_FILES = {
    "providers.yaml": 0o600,
    "coderouter.env": 0o600,
    "cr-exporter.env": 0o600,
    "logrotate.conf": 0o644,
}

_FILES = resources.files("coderouter_proxy") / "servicefiles"


class NoPrograms(Exception):
    """A program that the services run is not installed; the message says where it should be."""


def unit_folder() -> Path:
    """Return the folder of the user's own units."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def data_folder() -> Path:
    return Path.home() / ".coderouter"


def write_units(bin_folder: Path) -> list[Path]:
    """Write the units for the programs in that folder, replacing those of an earlier version; return their paths.

    Raises:
        NoPrograms
    """
    for program in PROGRAMS:
        if not os.access(bin_folder / program, os.X_OK):
            raise NoPrograms(
                f"{bin_folder}/{program} is missing; install the whole package and run its coderouter by path"
            )
    folder = unit_folder()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in SERVICES + ROTATION:
        text = (_FILES / "user" / name).read_text(encoding="utf-8")
        path = folder / name
        path.write_text(text.replace(PACKAGED_BIN, _escaped(bin_folder)), encoding="utf-8")
        written.append(path)
    for path in _sandboxes():
        path.unlink(missing_ok=True)
        if can_confine():
            path.parent.mkdir(exist_ok=True)
            path.write_text((_FILES / "user" / SANDBOX).read_text(encoding="utf-8"), encoding="utf-8")
            written.append(path)
    return written


def can_confine() -> bool:
    """Return whether a user may create user and mount namespaces: some systems forbid or restrict that."""
    unshare = shutil.which("unshare")
    command = (str(unshare), "--user", "--map-current-user", "--mount", "true")
    return unshare is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


def write_starter_files() -> list[Path]:
    """Write the starter configuration, except files that exist; return the paths written."""
    folder = data_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    written = []
    for name, mode in STARTER_FILES.items():
        path = folder / name
        if path.exists():
            continue
        path.touch(mode)
        path.write_text((_FILES / name).read_text(encoding="utf-8"), encoding="utf-8")
        written.append(path)
    return written


def remove_units() -> list[Path]:
    """Remove the units and return their paths."""
    paths = [*(unit_folder() / name for name in SERVICES + ROTATION), *_sandboxes()]
    found = [path for path in paths if path.exists()]
    for path in found:
        path.unlink()
    for path in _sandboxes():
        with suppress(OSError):  # the user's own files are in it, or it is not there
            path.parent.rmdir()
    return found


def _sandboxes() -> list[Path]:
    return [unit_folder() / f"{name}.d" / SANDBOX for name in SERVICES]


def installed() -> bool:
    return all((unit_folder() / name).exists() for name in SERVICES)


def units_to_enable() -> list[str]:
    """Return the services, and the rotation timer if logrotate is installed."""
    return [*SERVICES, ROTATION[0]] if os.access(LOGROTATE, os.X_OK) else [*SERVICES]


def start_commands() -> list[list[str]]:
    """Return the commands that start the services, restarting those that still run from older units."""
    units = units_to_enable()
    return [_systemctl("daemon-reload"), _systemctl("enable", *units), _systemctl("restart", *units)]


def stop_commands() -> list[list[str]]:
    return [_systemctl("disable", "--now", *SERVICES, ROTATION[0])]


def reload_commands() -> list[list[str]]:
    return [_systemctl("daemon-reload")]


def status_command() -> list[str]:
    return _systemctl("--no-pager", "status", *reversed(SERVICES), ROTATION[0])


def manager_is_reachable() -> bool:
    """Return whether the user's systemd can be used; in containers and plain `su` sessions it cannot."""
    if shutil.which("systemctl") is None:
        return False
    shown = subprocess.run(_systemctl("show", "--property=Version"), capture_output=True, check=False)
    return shown.returncode == 0


def _systemctl(*arguments: str) -> list[str]:
    return ["systemctl", "--user", *arguments]


def _escaped(folder: Path) -> str:
    """Return the folder escaped for ExecStart=."""
    return str(folder).replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20").replace('"', "\\x22")
