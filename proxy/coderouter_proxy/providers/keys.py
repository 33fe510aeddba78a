"""The API keys of a provider, from variables of the environment and from files, and which of them is sent."""

import logging
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from coderouter_events.reasons import reason_of
from coderouter_proxy.config import headers
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.wires.refusals import retry_after_s

FILE_BYTES_MAX = 8192
CHECK_S = 1.0
"""How often a file is looked at, at most; and after each refusal."""
REST_S = 60.0
REST_S_MAX = 3600.0
SECRETS_MAX = 16
REFUSALS = frozenset({401, 402, 403, 429})
"""Statuses that are about the key: it is wrong, has no balance, may not do this, or has reached its limit."""

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where a key comes from; `problem` says why there is none, or is empty."""

    name: str
    key: str
    problem: str

    def look(self) -> None:
        """Read the key again, if it may have changed."""
        ...


class _Variable:
    def __init__(self, name: str) -> None:
        self.name = name
        self.key = os.environ.get(name, "").strip()
        self.problem = "" if self.key else f"{name} is not set"

    def look(self) -> None:
        """A process keeps its environment."""


class _File:
    def __init__(self, path: str) -> None:
        self.name = path
        self.key = ""
        self.problem = ""
        self._path = Path(os.path.expandvars(path)).expanduser()
        self._known: tuple[int, ...] | None = None
        self.look()

    def look(self) -> None:
        try:
            found = self._path.stat()
            version = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if version == self._known:
                return
            key = self._read(found)
        except (OSError, ValueError) as error:
            self.key, self.problem, self._known = "", f"{self.name}: {reason_of(error)}", None
        else:
            self.key, self.problem, self._known = key, "", version

    def _read(self, found: os.stat_result) -> str:
        """Return the key.

        Raises:
            OSError
            ValueError: the file holds none.
        """
        if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_BYTES_MAX:
            raise ValueError(f"not a file of at most {FILE_BYTES_MAX} bytes")
        fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            text = os.read(fd, FILE_BYTES_MAX)
        finally:
            os.close(fd)
        key = text.decode("latin-1").strip()
        if not key or not headers.can_hold(key):
            raise ValueError("does not hold one key that a header can hold" if key else "is empty")
        return key


def sources(provider: Provider) -> list[Source]:
    """Return where the keys of the provider come from, in the order in which they are tried."""
    return [*map(_Variable, provider.key_variables), *map(_File, provider.key_files)]


def has_key(provider: Provider) -> bool:
    """Return whether a key of the provider is set, if it needs one."""
    found = sources(provider)
    return not found or any(source.key for source in found)


def problems(provider: Provider) -> list[str]:
    """Return what is wrong with each source that has no key."""
    return [source.problem for source in sources(provider) if source.problem]


@dataclass(frozen=True, slots=True)
class Picked:
    """A key and its place in the order; without one the index is None, and the key empty."""

    key: str = ""
    index: int | None = None


NO_KEY = Picked()


class Keys:
    """The keys of one provider. One that was refused rests for a while, and the first that does not rest is sent.

    If all rest, the one whose rest ends first is sent.
    """

    def __init__(self, provider: Provider, clock: Callable[[], float] = time.monotonic) -> None:
        self._sources = sources(provider)
        self._clock = clock
        self._look_at = clock() + CHECK_S
        self._rests: dict[str, float] = {}
        """Until when a key rests; one that has replaced it in its file does not."""
        self._seen: dict[str, None] = dict.fromkeys(self._present())
        self._first = self._picked(0.0)
        self._may_change = bool(provider.key_files)
        self._has_others = len(self._sources) > 1

    @property
    def secrets(self) -> tuple[str, ...]:
        """All keys, and earlier ones of the same files: a late error may repeat one."""
        return tuple(self._seen)

    def pick(self) -> Picked:
        """Return the key to send now."""
        if self._may_change and (now := self._clock()) >= self._look_at:
            self._look(now)
        return self._picked(self._clock()) if self._rests else self._first

    def refused(self, picked: Picked, error: ProviderError) -> bool:
        """Let the key rest if the error is about it; return whether there is one that does not rest."""
        if error.status not in REFUSALS or error.about_request:
            return False
        if not self._has_others and not self._may_change:
            return False
        now = self._clock()
        asked_s = retry_after_s(error.retry_after)
        rest_s = REST_S if asked_s is None or not asked_s > 0 else min(asked_s, REST_S_MAX)
        self._look(now)
        self._rests = {key: until for key, until in self._rests.items() if key in self._present()}
        self._rests[picked.key] = now + rest_s
        other = self._picked(now)
        return bool(other.key) and self._rests.get(other.key, 0.0) <= now

    def _picked(self, now: float) -> Picked:
        candidates = [Picked(source.key, index) for index, source in enumerate(self._sources) if source.key]
        return min(candidates, key=lambda each: max(self._rests.get(each.key, 0.0), now), default=NO_KEY)

    def _look(self, now: float) -> None:
        self._look_at = now + CHECK_S
        for source in self._sources:
            before = source.problem
            source.look()
            if source.problem != before:
                log.warning("key file %s", source.problem or f"{source.name} can be read again")
        self._first = self._picked(now)
        for key in self._present():
            self._seen[key] = None
        while len(self._seen) > max(SECRETS_MAX, 2 * len(self._sources)):
            del self._seen[next(iter(self._seen))]

    def _present(self) -> list[str]:
        return [source.key for source in self._sources if source.key]
