"""Write patches into providers.yaml: after a backup, in one step, and only what the proxy's own loader takes."""

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from coderouter_proxy.config import load
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.doctor.patch import yaml_edit
from coderouter_proxy.doctor.patch.patch import Change, Patch
from coderouter_proxy.doctor.patch.yaml_edit import CannotPatch


def planned(path: Path | None, patches: Mapping[str, Patch]) -> Change:
    """Return the change that lays each patch over the fields of its provider.

    Raises:
        ConfigErrors: there is no file, or it has faults by now.
        CannotPatch
    """
    if path is None:
        raise ConfigErrors(
            ["there is no providers.yaml to change, the built-in one is in use; write one: `coderouter init`"]
        )
    path = path.resolve()
    try:
        before = path.read_bytes().decode("utf-8")  # line ends as they are
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigErrors([f"{path}: cannot be read: {error}"]) from None
    config = load.parse(before, str(path))
    after = before
    for provider, patch in patches.items():
        if config.provider(provider) is None:
            raise CannotPatch(f"{path}: {provider!r} has gone from it meanwhile; run the doctor again")
        after = yaml_edit.patched(after, provider, patch)
    return Change(path, before, after)


def written(change: Change) -> Change:
    """Put the new text in place of the file in one step, with its mode and owner; keep a backup of the old one.

    Raises:
        CannotPatch: a file cannot be written; all is as it was.
    """
    if change.before == change.after:
        return change
    backup = _free(change.path)
    new = change.path.with_name(f".{change.path.name}.{os.getpid()}")
    try:
        with ExitStack() as undo:
            _write(backup, change.before, change.path)
            undo.callback(backup.unlink)
            _write(new, change.after, change.path)
            undo.callback(new.unlink)
            load.parse(new.read_text(encoding="utf-8"), str(new))
            new.replace(change.path)
            undo.pop_all()
    except OSError as error:
        raise CannotPatch(f"{change.path}: cannot be changed: {error}; nothing is written") from None
    return replace(change, backup=backup)


def _free(path: Path) -> Path:
    """Return the first name for a backup that is not taken."""
    names = (f"{path.name}.bak{f'.{number}' if number else ''}" for number in count())
    return next(backup for name in names if not (backup := path.with_name(name)).exists())


def _write(path: Path, text: str, model: Path) -> None:
    """Write a new file with the mode and the owner of another one, or none."""
    told = model.stat()
    with path.open("xb") as file, ExitStack() as undo:
        undo.callback(path.unlink)
        with suppress(PermissionError):  # only root may give files away
            os.fchown(file.fileno(), told.st_uid, told.st_gid)
        os.fchmod(file.fileno(), told.st_mode & 0o777)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        undo.pop_all()
