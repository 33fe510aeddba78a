"""launchd's agents of one user, on macOS."""

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

from coderouter_proxy.services.files import check_programs, data_folder, write_starter_files

EXPORTER, PROXY = "coderouter.exporter", "coderouter.proxy"
LABELS = (EXPORTER, PROXY)
STOP_S = 45
"""In-flight requests have 30 s to finish."""
UMASK = 0o077


class Launchd:
    where = "launchctl, in a session with a desktop"

    def write(self, programs: Path) -> list[Path]:
        """Write the property lists, replacing those of an earlier version.

        Raises:
            NoPrograms
        """
        check_programs(programs)
        written = []
        for label, arguments in (
            (EXPORTER, [str(programs / "cr-exporter")]),
            (
                PROXY,
                [str(programs / "cr-proxy"), "serve", "--env-file", str(data_folder() / "coderouter.env")],
            ),
        ):
            path = _plist(label)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(plistlib.dumps(_job(label, arguments), sort_keys=False))
            written.append(path)
        return written + write_starter_files("providers.yaml", "coderouter.env")

    def remove(self) -> list[Path]:
        found = [path for label in LABELS if (path := _plist(label)).exists()]
        for path in found:
            path.unlink()
        return found

    def is_installed(self) -> bool:
        return all(_plist(label).exists() for label in LABELS)

    def is_reachable(self) -> bool:
        return shutil.which("launchctl") is not None and _succeeds("print", _domain())

    def start_commands(self) -> list[list[str]]:
        return [
            *self.stop_commands(),
            *(_launchctl("bootstrap", _domain(), str(_plist(one))) for one in LABELS),
        ]

    def stop_commands(self) -> list[list[str]]:
        """Return the commands that end those that are loaded, the proxy first, so that its last events are counted."""
        loaded = [label for label in reversed(LABELS) if _succeeds("print", _target(label))]
        return [_launchctl("bootout", _target(label)) for label in loaded]

    def reload_commands(self) -> list[list[str]]:
        return []

    def status_commands(self) -> list[list[str]]:
        return [_launchctl("print", _target(label)) for label in reversed(LABELS)]

    def remarks(self) -> list[str]:
        events = data_folder() / "events.jsonl"
        return [f"the event file is not rotated; to do it: mv {events} {events}-$(date +%Y%m%d)"]


def _job(label: str, arguments: list[str]) -> dict[str, object]:
    log = str(data_folder() / f"{label}.log")
    return {
        "Label": label,
        "ProgramArguments": arguments,
        "WorkingDirectory": str(data_folder()),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": STOP_S,
        "Umask": UMASK,
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }


def _plist(label: str) -> Path:
    return Path.home() / "Library/LaunchAgents" / f"{label}.plist"


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _target(label: str) -> str:
    return f"{_domain()}/{label}"


def _launchctl(*arguments: str) -> list[str]:
    return ["launchctl", *arguments]


def _succeeds(*arguments: str) -> bool:
    if shutil.which("launchctl") is None:
        return False
    return subprocess.run(_launchctl(*arguments), capture_output=True, check=False).returncode == 0
