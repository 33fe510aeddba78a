"""Apply patches to providers.yaml: after a backup, atomically, and only if the proxy can load the result."""

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from coderouter_events.reasons import reason_of
from coderouter_proxy.config import load
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor.patch import yaml_edit
from coderouter_proxy.doctor.patch.patch import Change, Patch
from coderouter_proxy.doctor.patch.yaml_edit import PatchError


def plan_change(path: Path | None, patches: Mapping[str, Patch]) -> Change:
    """Return the change that merges each patch into the fields of its provider.

    Raises:
        ConfigErrors: there is no file, or it is invalid by now.
        PatchError
    """
    if path is None:
        why = "there is no providers.yaml to change: the built-in configuration is in use"
        raise ConfigErrors([f"{why}; create one: `coderouter init`"])
    path = path.resolve()
    try:
        before = path.read_bytes().decode("utf-8")  # with its own line ends
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigErrors([f"{path}: cannot be read: {reason_of(error)}"]) from None
    config = load.parse(before, str(path))
    after = before
    for provider, patch in patches.items():
        if config.provider(provider) is None:
            raise PatchError(f"{path}: {provider!r} was removed in the meantime; run the doctor again")
        after = yaml_edit.apply_patch(after, provider, patch)
    return Change(path, before, after)


def write_change(change: Change) -> Change:
    """Replace the file atomically, keeping its mode and owner; return the change with the backup of the old file.

    Raises:
        PatchError: a file cannot be written; nothing has changed.
    """
    if change.before == change.after:
        return change
    backup = _unused_backup_path(change.path)
    new = change.path.with_name(f".{change.path.name}.{os.getpid()}")
    try:
        with ExitStack() as undo:
            _create(backup, change.before, change.path)
            undo.callback(backup.unlink)
            _create(new, change.after, change.path)
            undo.callback(new.unlink)
            load.parse(new.read_text(encoding="utf-8"), str(new))
            new.replace(change.path)
            undo.pop_all()
    except OSError as error:
        raise PatchError(
            f"{change.path}: cannot be changed: {reason_of(error)}; nothing was written"
        ) from None
    return replace(change, backup=backup)


def _unused_backup_path(path: Path) -> Path:
    names = (f"{path.name}.bak{f'.{number}' if number else ''}" for number in count())
    return next(backup for name in names if not (backup := path.with_name(name)).exists())


def _create(path: Path, text: str, like: Path) -> None:
    """Create a file with the mode and owner of another one; if that fails, there is no file."""
    status = like.stat()
    with path.open("xb") as file, ExitStack() as undo:
        undo.callback(path.unlink)
        with suppress(PermissionError):  # only root can change the owner
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
        os.fchmod(file.fileno(), status.st_mode & 0o777)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        undo.pop_all()
