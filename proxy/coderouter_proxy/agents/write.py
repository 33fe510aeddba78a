"""Change an agent's settings file: show what changes, keep a backup, write it atomically."""

import os
import shutil
from dataclasses import dataclass
from difflib import unified_diff
from itertools import count
from pathlib import Path

from coderouter_events.reasons import reason_of
from coderouter_proxy.agents.settings_text import merged_text
from coderouter_proxy.agents.table import Settings

NEW_MODE = 0o600


class CannotWrite(Exception):
    """The file cannot be read or written; the message says which and why."""


@dataclass(frozen=True)
class Change:
    """A settings file before and after; `before` is None where there is none yet."""

    path: Path
    before: str | None
    after: str

    def diff(self) -> list[str]:
        """Return the lines of a unified diff."""
        before = (self.before or "").splitlines()
        return list(
            unified_diff(before, self.after.splitlines(), str(self.path), str(self.path), lineterm="")
        )


def plan(file: str, settings: Settings) -> Change:
    """Return the change that merges the settings into the file.

    Raises:
        CannotWrite, CannotMerge
    """
    path = Path(file).expanduser().resolve()
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotWrite(f"{path} cannot be read: {reason_of(error)}") from None
    return Change(path, before, merged_text(path, before or "", settings))


def write(change: Change) -> Path | None:
    """Write the file, and return the backup of the previous one, if there was one.

    Raises:
        CannotWrite
    """
    path = change.path
    new = path.with_name(f".{path.name}.{os.getpid()}")
    backup = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if change.before is not None:
            backup = _unused(path)
            shutil.copy2(path, backup)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, NEW_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(change.after)
        if backup:
            shutil.copymode(backup, new)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise CannotWrite(f"{path} cannot be written: {reason_of(error)}; nothing has changed") from None
    return backup


def _unused(path: Path) -> Path:
    names = (f"{path.name}.bak{f'.{number}' if number else ''}" for number in count())
    return next(backup for name in names if not (backup := path.with_name(name)).exists())
