"""Finds the files that may hold lines of an event file: itself, and what rotation made of it."""

import os
import re
import stat
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

GZIP = ".gz"
UNSUPPORTED = (".zst", ".bz2", ".xz")
LATEST = r"[.\-_](?:\d[\d.\-_T:Z]*(?:\.backup)?|old)"
"""What rotation adds to a name: a number, a date and time, or `old`.

With `create`, logrotate adds `.backup` to the name of a file that the proxy made before it could make one.
"""
_ROTATED = re.compile(r"(?:\.gz|\.zst|\.bz2|\.xz|\.\d{1,4}|[.\-_]\d{8}[\d\-]*|\.old)$")
FRESH_NS = 100_000_000
"""A folder that changed so recently may change again within the same tick of its clock."""


@dataclass(frozen=True)
class FileStat:
    """What a file's metadata say about it; as long as they stay the same, so does its content."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def identity(self) -> tuple[int, int]:
        return self.device, self.inode


@dataclass(frozen=True)
class Candidate:
    """A file that exists and may belong to an event file."""

    place: Path
    signature: FileStat

    @property
    def compression(self) -> str:
        return self.place.suffix if self.place.suffix in (GZIP, *UNSUPPORTED) else ""


@dataclass(frozen=True)
class Listing:
    names: tuple[str, ...]
    modified_ns: int
    """Of the folder; 0 when it could not be listed, -1 when it may change without showing it."""


class Folders:
    """The names in folders, sorted; a folder is listed anew only when it has changed."""

    def __init__(self) -> None:
        self._listings: dict[Path, Listing] = {}

    def listing(self, folder: Path) -> Listing:
        """Return the names in the folder: the same object as before when nothing changed."""
        before = self._listings.get(folder)
        try:
            modified_ns = folder.stat().st_mtime_ns
            if before is not None and before.modified_ns == modified_ns:
                return before
            if time.time_ns() - modified_ns < FRESH_NS:
                modified_ns = -1
            listing = Listing(tuple(sorted(os.listdir(folder))), modified_ns)  # noqa: PTH208 - names, not paths
        except OSError:
            listing = Listing((), 0)
        if listing.modified_ns == 0 and before is not None and before.modified_ns == 0:
            return before
        self._listings[folder] = listing
        return listing


class RotationGroup:
    """The names that one event file and its rotated siblings can have."""

    def __init__(self, path: Path, olddir: Path | None, is_other: Callable[[Path], bool]) -> None:
        self.path = path
        self._olddir = olddir
        self._is_other = is_other

    def folders(self) -> list[Path]:
        """Return where siblings may be: beside the path, beside the file it points to, and in the olddir of both."""
        beside = dict.fromkeys(path.parent for path in self._paths())
        olddirs = (folder / self._olddir for folder in beside) if self._olddir else ()
        return list(dict.fromkeys((*beside, *olddirs)))

    def candidates(self, folders: Folders, more: Iterable[Path]) -> list[Candidate]:
        """Return what exists of the family, the path itself last, and of `more`; each file under one name."""
        places = dict.fromkeys((*self._siblings(folders), *more, self.path))
        found: dict[tuple[int, int], Candidate] = {}
        for place in places:
            signature = stat_of(place)
            if signature is not None and (place == self.path or not self._is_other(place)):
                found.pop(signature.identity, None)
                found[signature.identity] = Candidate(place, signature)
        return list(found.values())

    def _paths(self) -> list[Path]:
        """Return the path, and where it leads when it is a symlink."""
        return (
            list(dict.fromkeys((self.path, self.path.resolve()))) if self.path.is_symlink() else [self.path]
        )

    def _siblings(self, folders: Folders) -> Iterator[Path]:
        for path in self._paths():
            pattern = sibling_pattern(path)
            for folder in self.folders():
                for name in _starting_with(folders.listing(folder).names, path.stem):
                    if pattern.fullmatch(name):
                        yield folder / name


def sibling_pattern(path: Path) -> re.Pattern[str]:
    """Return what the names of rotated siblings look like; `extension` of logrotate puts the number inside."""
    name, stem, suffix = map(re.escape, (path.name, path.stem, path.suffix))
    packed = "|".join(map(re.escape, (GZIP, *UNSUPPORTED)))
    return re.compile(f"(?:{name}{LATEST}|{stem}{LATEST}{suffix})(?:{packed})?")


def is_rotated(name: str) -> bool:
    """Return whether a file of this name is one that rotation made, so that no pattern takes it for an event file."""
    return _ROTATED.search(name) is not None


def stat_of(place: Path | str) -> FileStat | None:
    """Return the signature of a regular file, or None when there is none at the place."""
    try:
        info = os.stat(place)  # noqa: PTH116 - called for every known file at every look
    except OSError:
        return None
    return signature(info) if stat.S_ISREG(info.st_mode) else None


def signature(info: os.stat_result) -> FileStat:
    return FileStat(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _starting_with(names: tuple[str, ...], stem: str) -> Iterator[str]:
    for at in range(bisect_left(names, stem), len(names)):
        if not names[at].startswith(stem):
            return
        yield names[at]
