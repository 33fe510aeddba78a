"""Write patches into providers.yaml: after a backup, in one step, and only what the proxy's own loader takes."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from coderouter_proxy import configfile
from coderouter_proxy.doctor import yamledit
from coderouter_proxy.doctor.patching import Change, Patch
from coderouter_proxy.yamlfile import ConfigFaults


def planned(path: Path | None, patches: Mapping[str, Patch]) -> Change:
    """Return the change that lays each patch over the fields of its provider.

    Raises:
        ConfigFaults: the file cannot be read, or the proxy would not take what becomes of it.
        CannotPatch
    """
    if path is None:
        raise ConfigFaults(
            ["there is no providers.yaml to change, the built-in one is in use; write one: `coderouter init`"]
        )
    path = path.resolve()
    try:
        before = path.read_bytes().decode("utf-8")  # line ends as they are
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigFaults([f"{path}: cannot be read: {error}"]) from None
    after = before
    for provider, patch in patches.items():
        after = yamledit.patched(after, provider, patch)
    configfile.parse(after, str(path))
    return Change(path, before, after)


def written(change: Change) -> Change:
    """Put the new text in place of the file in one step, with its mode and owner; keep a backup of the old one.

    Raises:
        OSError: the file is as it was.
    """
    if change.before == change.after:
        return change
    backup = _backed_up(change)
    handle, name = tempfile.mkstemp(prefix=f".{change.path.name}.", dir=change.path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(change.after.encode())
            _as_readable_as(change.path, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        configfile.parse(new.read_text(encoding="utf-8"), name)
        new.replace(change.path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    return replace(change, backup=backup)


def _backed_up(change: Change) -> Path:
    """Return a new file beside the old one, with the same text."""
    for number in count():
        backup = change.path.with_name(f"{change.path.name}.bak{f'.{number}' if number else ''}")
        with suppress(FileExistsError):
            with backup.open("xb") as file:
                _as_readable_as(change.path, file.fileno())
                file.write(change.before.encode())
            return backup
    raise AssertionError("numbers do not end")


def _as_readable_as(path: Path, handle: int) -> None:
    told = path.stat()
    os.fchmod(handle, told.st_mode & 0o7777)
    with suppress(PermissionError):  # only root may give files away
        os.fchown(handle, told.st_uid, told.st_gid)
