"""The lock next to the state file: only its owner uses the file."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from coderouter_events import private
from coderouter_exporter.names import shown
from coderouter_exporter.state.errors import StateError, explained, unwritable


def lock(path: Path) -> int:
    """Take the lock next to the file; the kernel releases it with the descriptor, even when the owner is killed."""
    lock_path = path.with_name(path.name + ".lock")
    with explained(path):
        _make_folder(path)
        mode = private.mode_of(lock_path, 0o644)
        fd = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    try:
        with explained(path):
            _take(fd, path)
    except BaseException:
        close_fd(fd)
        raise
    with suppress(OSError):  # it only names the owner
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _make_folder(path: Path) -> None:
    """Create the folder of the file, unless it is there."""
    try:
        private.make_folder(path.parent)
    except (FileExistsError, NotADirectoryError):
        try:
            close_fd(os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except NotADirectoryError as error:
            raise StateError(unwritable(path, f"{shown(path.parent)} is not a folder")) from error


def _take(lock_fd: int, path: Path) -> None:
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(lock_fd, 32, 0).decode(errors="replace").strip()
        raise StateError(
            f"{shown(path)} is in use by another cr-exporter (process {owner}); "
            "stop that one, or give this one a file of its own with --state"
        ) from error


def close_fd(fd: int) -> None:
    with suppress(OSError):  # it is closed nevertheless
        os.close(fd)
