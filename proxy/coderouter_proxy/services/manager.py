"""What the service managers of systems have in common, and which one this system has."""

import sys
from pathlib import Path
from typing import Protocol

Command = list[str]


class Manager(Protocol):
    """The services of the current user."""

    where: str
    """Where its own commands work."""

    def write(self, programs: Path) -> list[Path]:
        """Write what runs the programs of that folder, and starter files where there are none; return the paths."""
        ...

    def remove(self) -> list[Path]:
        """Remove what runs them, and return the paths; configuration, events and totals stay."""
        ...

    def is_installed(self) -> bool: ...

    def is_reachable(self) -> bool:
        """Return whether its own commands work here."""
        ...

    def start_commands(self) -> list[Command]:
        """Return the commands that start both programs, and restart those that still run an earlier version."""
        ...

    def stop_commands(self) -> list[Command]: ...

    def reload_commands(self) -> list[Command]:
        """Return the commands after which it notices that files were removed."""
        ...

    def status_commands(self) -> list[Command]: ...

    def remarks(self) -> list[str]:
        """Return what the user should know after an installation."""
        ...


def of_this_system() -> Manager:
    from coderouter_proxy.services.launchd import Launchd  # noqa: PLC0415 - they import this module
    from coderouter_proxy.services.systemd import Systemd  # noqa: PLC0415

    return Launchd() if sys.platform == "darwin" else Systemd()
