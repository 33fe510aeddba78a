"""Check that the event file can be written, and read its last event; nothing is appended to find out."""

import errno
import os
import pwd
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from coderouter_events.events import LINE_BYTES_MAX
from coderouter_proxy.doctor.result import Result, Verdict

SUBJECT = "events"
FREE_MB_MIN = 100


@dataclass(frozen=True)
class LastEvent:
    """The last complete line of the event file."""

    ts: float  # Unix time in seconds
    msg: str


def check(path: Path | None) -> Result:
    """Return whether the proxy could append to the file and how much space there is."""
    if path is None:
        remedy = "start the proxy with --events FILE to have requests counted"
        return _result(Verdict.SKIP, "events are off: nothing is written or counted", remedy)
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    try:
        exists = _check_writable(path, folder)
        free_mb = shutil.disk_usage(folder).free / 1e6
    except OSError as error:
        return _result(Verdict.NEEDS_TUNING, f"{path} cannot be written: {error.strerror}", _remedy(path))
    space = f"{free_mb / 1000:.1f} GB free" if free_mb >= 1000 else f"only {free_mb:.0f} MB free"
    if free_mb < FREE_MB_MIN:
        remedy = (
            "free up disk space: when the disk is full, events are buffered in memory, and in the end lost"
        )
        return _result(Verdict.NEEDS_TUNING, f"{path} can be written, {space}", remedy)
    return _result(Verdict.OK, f"{path} can be {'written' if exists else 'created'}, {space}")


def _remedy(path: Path) -> str:
    """Return what makes it writable; a file of another user is often left by a proxy that was started with sudo."""
    other = "or name another file with --events"
    with suppress(OSError, KeyError):
        place = path if path.exists() else path.parent
        owner, user = pwd.getpwuid(place.stat().st_uid).pw_name, pwd.getpwuid(os.geteuid()).pw_name
        if owner != user:
            return f"{place} belongs to {owner}: sudo chown -R {user} {path.parent}, {other}"
    return f"allow the user who runs the proxy to write {path}, {other}"


def _check_writable(path: Path, folder: Path) -> bool:
    """Return whether the file exists.

    Raises:
        OSError: it cannot be written, or not be created.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"no permission to create it in {folder}") from None
        return False
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
    finally:
        os.close(fd)
    return True


def last_event(path: Path) -> LastEvent | None:
    """Return the last event of the file; None if there is none, or if the last line is not an event."""
    if not path.is_file():  # opening a pipe would wait for its writer
        return None
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2 * LINE_BYTES_MAX))
            lines = file.read().split(b"\n")[:-1]
        event = orjson.loads(lines[-1])
        return LastEvent(datetime.fromisoformat(event["ts"]).timestamp(), str(event["msg"]))
    except (OSError, IndexError, KeyError, TypeError, ValueError):
        return None


def _result(verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check="event file", verdict=verdict, message=message, remedy=remedy)
