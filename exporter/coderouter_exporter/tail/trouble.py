"""What keeps files from being read: reported once, and tried again after a growing pause."""

import errno
import logging
import os
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from time import monotonic
from typing import Generic, TypeVar

from coderouter_exporter.names import shown

PAUSE_S_MAX = 15.0
REPEAT_S = 10.0
"""A trouble that comes and goes is logged again only after it has been away for this long."""
REPORTED_MAX = 64

_SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EINTR))
"""They say nothing about the file, so it is tried again in the next pass."""
_REOPEN = frozenset((errno.ESTALE, errno.ENOTCONN, errno.EBADF, errno.ENODEV, errno.ENXIO))
"""The descriptor will never work again."""

log = logging.getLogger(__name__)

K = TypeVar("K")
"""Identifies what fails; a path does not, because files are renamed."""


class Kind(Enum):
    WAITING = "waiting"
    """The event file is not there yet: normal until a proxy writes its first event."""
    ABSENT = "absent"
    """What was configured is not there, so it may be misspelt."""
    SKIPPED = "skipped"
    """A file that is never read. If its events were not counted before, they are missing by their numbers."""
    UNREADABLE = "unreadable"
    """There may be events in it."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    path: Path
    reason: str
    kind: Kind


@dataclass(frozen=True, kw_only=True)
class _Failure:
    path: Path
    reason: str
    tries: int
    retry_at: float


class Failures(Generic[K]):
    """What failed at the last try, and when to try again."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failures: dict[K, _Failure] = {}

    def add(self, key: K, path: Path, error: OSError) -> None:
        known = self._failures.get(key)
        tries = known.tries + 1 if known else 1
        pause_s = 0.0 if error.errno in _SHORTAGES else min(PAUSE_S_MAX, 2.0 ** min(tries - 1, 10))
        self._failures[key] = _Failure(
            path=path, reason=reason_of(error), tries=tries, retry_at=self._now() + pause_s
        )

    def try_now(self, key: K) -> None:
        """End the pause; the next one is longer nevertheless, if it fails again."""
        if key in self._failures:
            self._failures[key] = replace(self._failures[key], retry_at=self._now())

    def clear(self, key: K) -> None:
        self._failures.pop(key, None)

    def keep_only(self, keys: Container[K]) -> None:
        self._failures = {key: failure for key, failure in self._failures.items() if key in keys}

    def is_due(self, key: K) -> bool:
        """Return whether it failed and is to be tried again now."""
        failure = self._failures.get(key)
        return failure is not None and failure.retry_at <= self._now()

    def is_paused(self, key: K) -> bool:
        return key in self._failures and not self.is_due(key)

    def reason(self, path: Path) -> str:
        """Return why the file there cannot be read; empty if it can."""
        return next((failure.reason for failure in self._failures.values() if failure.path == path), "")

    def troubles(self) -> list[Trouble]:
        return [unreadable(failure.path, failure.reason) for failure in self._failures.values()]


class Reporter:
    """Logs each trouble once, when it begins."""

    def __init__(self) -> None:
        self._seen_at: dict[Trouble, float] = {}

    def report(self, troubles: Iterable[Trouble]) -> None:
        now = monotonic()
        self._seen_at = {trouble: at for trouble, at in self._seen_at.items() if now - at < REPEAT_S}
        for trouble in troubles:
            if trouble not in self._seen_at:
                _log(trouble)
            self._seen_at[trouble] = now


def unreadable(path: Path, reason: str) -> Trouble:
    return Trouble(path=path, reason=reason, kind=Kind.UNREADABLE)


def skipped(path: Path, reason: str) -> Trouble:
    return Trouble(path=path, reason=reason, kind=Kind.SKIPPED)


def absence(path: Path) -> Trouble | None:
    """Return why there is no regular file at the path; None if there is one by now."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - it raises the same, and Path hides some of it
    except (FileNotFoundError, ValueError):
        return Trouble(path=path, reason="no such file", kind=Kind.WAITING)
    except OSError as error:
        return unreadable(path, reason_of(error))
    if S_ISREG(mode):
        return None
    return unreadable(path, "it is a folder" if S_ISDIR(mode) else "it is not a regular file")


def reason_of(error: OSError) -> str:
    reason = error.strerror or "unknown error"
    return reason[:1].lower() + reason[1:]


def reason_of_errno(number: int) -> str:
    return reason_of(OSError(number, os.strerror(number)))


def must_reopen(error: OSError) -> bool:
    """Return whether reading can work again only with a new descriptor."""
    return error.errno in _REOPEN


def _log(trouble: Trouble) -> None:
    path = shown(trouble.path)
    if trouble.kind is Kind.SKIPPED:
        log.warning("skipping %s: %s", path, trouble.reason)
    else:
        log.warning("cannot read %s (%s); waiting for it", path, trouble.reason)
