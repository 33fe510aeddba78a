"""Proxy and exporter as services of one user, for `systemctl --user`, without root."""

import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path

SERVICES = ("cr-exporter.service", "coderouter.service")
ROTATION = ("coderouter-logrotate.timer", "coderouter-logrotate.service")
PROGRAMS = ("coderouter", "cr-exporter")
SHIPPED_BIN = "%h/.local/bin"  # where the unit files have the programs
LOGROTATE = "/usr/sbin/logrotate"
SKELETONS = {
    "providers.yaml": 0o600,
    "coderouter.env": 0o600,
    "cr-exporter.env": 0o600,
    "logrotate.conf": 0o644,
}

_FILES = resources.files("coderouter_proxy") / "servicefiles"


class NoPrograms(Exception):
    """The programs that the services would run are not where they should be; the message says where."""


def unit_folder() -> Path:
    """Return where the user's own units are."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def data_folder() -> Path:
    return Path.home() / ".coderouter"


def write_units(bin_folder: Path) -> list[Path]:
    """Write the units, for programs in that folder, over those of an earlier version; return them.

    Raises:
        NoPrograms
    """
    for program in PROGRAMS:
        if not os.access(bin_folder / program, os.X_OK):
            raise NoPrograms(
                f"{bin_folder}/{program} is not there; install the whole package and name its coderouter by path"
            )
    folder = unit_folder()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in SERVICES + ROTATION:
        text = (_FILES / "user" / name).read_text(encoding="utf-8")
        path = folder / name
        path.write_text(text.replace(SHIPPED_BIN, _in_unit(bin_folder)), encoding="utf-8")
        written.append(path)
    return written


def write_skeletons() -> list[Path]:
    """Write the configuration to begin with, as far as there is none; return what was written."""
    folder = data_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    written = []
    for name, mode in SKELETONS.items():
        path = folder / name
        if path.exists():
            continue
        path.touch(mode)
        path.write_text((_FILES / name).read_text(encoding="utf-8"), encoding="utf-8")
        written.append(path)
    return written


def remove_units() -> list[Path]:
    """Remove the units; return those that were there."""
    found = [path for name in SERVICES + ROTATION if (path := unit_folder() / name).exists()]
    for path in found:
        path.unlink()
    return found


def installed() -> bool:
    return all((unit_folder() / name).exists() for name in SERVICES)


def to_start() -> list[str]:
    """Return the units to enable: rotation only where there is a logrotate."""
    return [*SERVICES, ROTATION[0]] if os.access(LOGROTATE, os.X_OK) else [*SERVICES]


def start_commands() -> list[list[str]]:
    """Return what takes the units into use, also those that run by older files."""
    units = to_start()
    return [_systemctl("daemon-reload"), _systemctl("enable", *units), _systemctl("restart", *units)]


def stop_commands() -> list[list[str]]:
    return [_systemctl("disable", "--now", *SERVICES, ROTATION[0])]


def reload_commands() -> list[list[str]]:
    return [_systemctl("daemon-reload")]


def status_command() -> list[str]:
    return _systemctl("--no-pager", "status", *reversed(SERVICES), ROTATION[0])


def manager_answers() -> bool:
    """Return whether the user's systemd can be asked; in containers and plain `su` sessions it cannot."""
    if shutil.which("systemctl") is None:
        return False
    asked = subprocess.run(_systemctl("show", "--property=Version"), capture_output=True, check=False)
    return asked.returncode == 0


def _systemctl(*arguments: str) -> list[str]:
    return ["systemctl", "--user", *arguments]


def _in_unit(folder: Path) -> str:
    """Return the folder as ExecStart= takes it."""
    return str(folder).replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20").replace('"', "\\x22")
