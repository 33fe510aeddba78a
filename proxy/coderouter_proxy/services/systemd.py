"""systemd's user services."""

import os
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from coderouter_proxy.services.files import PACKAGED, STARTER_FILES, check_programs, write_starter_files

SERVICES = ("cr-exporter.service", "coderouter.service")
ROTATION = ("coderouter-logrotate.timer", "coderouter-logrotate.service")
SANDBOX = "sandbox.conf"
"""Of each service, beside its unit; only where users can create namespaces, because it would not start elsewhere."""
PACKAGED_BIN = "%h/.local/bin"  # where the packaged units look for the programs
LOGROTATE = "/usr/sbin/logrotate"


class Systemd:
    where = "systemctl --user"

    def write(self, programs: Path) -> list[Path]:
        """Write the units, replacing those of an earlier version.

        Raises:
            NoPrograms
        """
        check_programs(programs)
        folder = _unit_folder()
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name in SERVICES + ROTATION:
            text = (PACKAGED / "user" / name).read_text(encoding="utf-8")
            path = folder / name
            path.write_text(text.replace(PACKAGED_BIN, _escaped(programs)), encoding="utf-8")
            written.append(path)
        return [*written, *_write_sandboxes(), *write_starter_files(*STARTER_FILES)]

    def remove(self) -> list[Path]:
        paths = [*(_unit_folder() / name for name in SERVICES + ROTATION), *_sandboxes()]
        found = [path for path in paths if path.exists()]
        for path in found:
            path.unlink()
        for path in _sandboxes():
            with suppress(OSError):  # the user's own files are in it, or it is not there
                path.parent.rmdir()
        return found

    def is_installed(self) -> bool:
        return all((_unit_folder() / name).exists() for name in SERVICES)

    def is_reachable(self) -> bool:
        """Return whether the user's systemd can be used; in containers and plain `su` sessions it cannot."""
        if shutil.which("systemctl") is None:
            return False
        shown = subprocess.run(_systemctl("show", "--property=Version"), capture_output=True, check=False)
        return shown.returncode == 0

    def start_commands(self) -> list[list[str]]:
        units = [*SERVICES, ROTATION[0]] if _has_logrotate() else [*SERVICES]
        return [_systemctl("daemon-reload"), _systemctl("enable", *units), _systemctl("restart", *units)]

    def stop_commands(self) -> list[list[str]]:
        return [_systemctl("disable", "--now", *SERVICES, ROTATION[0])]

    def reload_commands(self) -> list[list[str]]:
        return [_systemctl("daemon-reload")]

    def status_commands(self) -> list[list[str]]:
        return [_systemctl("--no-pager", "status", *reversed(SERVICES), ROTATION[0])]

    def remarks(self) -> list[str]:
        found = ["to keep them running while you are logged out: loginctl enable-linger"]
        if not can_confine():
            found.append(
                "users cannot create namespaces here, so the services can read and write what you can"
            )
        if not _has_logrotate():
            growing = "logrotate is not installed, so the event file will grow without limit; on Debian"
            found.append(f"{growing}: sudo apt install logrotate")
        return found


@cache
def can_confine() -> bool:
    """Return whether a user may create user and mount namespaces: some systems forbid or restrict that."""
    unshare = shutil.which("unshare")
    command = (str(unshare), "--user", "--map-current-user", "--mount", "true")
    return unshare is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _write_sandboxes() -> list[Path]:
    for path in _sandboxes():
        path.unlink(missing_ok=True)
    if not can_confine():
        return []
    for path in _sandboxes():
        path.parent.mkdir(exist_ok=True)
        path.write_text((PACKAGED / "user" / SANDBOX).read_text(encoding="utf-8"), encoding="utf-8")
    return _sandboxes()


def _sandboxes() -> list[Path]:
    return [_unit_folder() / f"{name}.d" / SANDBOX for name in SERVICES]


def _has_logrotate() -> bool:
    return os.access(LOGROTATE, os.X_OK)


def _unit_folder() -> Path:
    """Return the folder of the user's own units."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"


def _systemctl(*arguments: str) -> list[str]:
    return ["systemctl", "--user", *arguments]


def _escaped(folder: Path) -> str:
    """Return the folder escaped for ExecStart=."""
    return str(folder).replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20").replace('"', "\\x22")
