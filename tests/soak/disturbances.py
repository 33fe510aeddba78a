"""What is made to go wrong around the exporter, one thing after the other; each ends after a few seconds."""

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from support.disk import Disk, small_disk
from support.exporter.privileges import can_be_unprivileged
from support.exporter.process import Exporter

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
CLOCKS = ("+9h", "-1h", "+10y", "-50y", "+0")
KINDS = ("descriptors", "disk", "folder", "clock")


@dataclass(frozen=True)
class Disturbance:
    name: str
    begin: Callable[[], None]
    end: Callable[[], None]


@contextmanager
def state_disk(folder: Path, kinds: list[str], kilobytes: int) -> Iterator[Disk | None]:
    """Mount a small disk for the state; None without the right to, or if it is not to fill up."""
    if "disk" not in kinds or os.geteuid() != 0:
        yield None
        return
    with small_disk(folder / "disk", kilobytes) as disk:
        yield disk


class Disturbances:
    """Begins and ends them in turn: every second call of `next` ends what the call before began."""

    def __init__(self, known: list[Disturbance]) -> None:
        self._turn = cycle(known)
        self._current: Disturbance | None = None
        self.number = 0

    def next(self) -> None:
        if not self.end():
            self._current = next(self._turn, None)
            if self._current is not None:
                self._current.begin()
                self.number += 1

    def end(self) -> bool:
        """End the current one; return whether there was one."""
        current, self._current = self._current, None
        if current is not None:
            current.end()
        return current is not None


class Clock:
    """The clock of programs started with `env`; the monotonic one stays right."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._offsets = cycle(CLOCKS)
        self.set("+0")

    @staticmethod
    def is_allowed(kinds: list[str]) -> bool:
        return "clock" in kinds and FAKETIME.exists()

    @property
    def env(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def jump(self) -> None:
        self.set(next(self._offsets))

    def set(self, offset: str) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(offset, encoding="utf-8")
        new.rename(self._file)


def disturbances(
    kinds: list[str],
    exporter: Callable[[], Exporter],
    *,
    events: Path,
    disk: Disk | None,
    clock: Clock | None,
) -> list[Disturbance]:
    """Return those of the kinds that this machine allows."""
    known = [_descriptors(exporter)]
    if disk is not None:
        known.append(Disturbance("disk", disk.fill, disk.free))
    if os.geteuid() == 0 and can_be_unprivileged():  # root's proxy and logrotate still work in the folder
        folder = events.parent
        known.append(Disturbance("folder", lambda: folder.chmod(0), lambda: folder.chmod(0o755)))
    if clock is not None:
        known.append(Disturbance("clock", clock.jump, lambda: clock.set("+0")))
    return [each for each in known if each.name in kinds]


def _descriptors(exporter: Callable[[], Exporter]) -> Disturbance:
    def limit(soft: int | None) -> None:
        pid = exporter().command.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard if soft is None else soft, hard))

    return Disturbance("descriptors", lambda: limit(20), lambda: limit(None))
