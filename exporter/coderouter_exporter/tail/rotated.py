"""Finds the files that may hold lines of an event file: the file itself and its rotated siblings."""

import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Self

from coderouter_events.lock import lock_path
from coderouter_exporter.tail.compression import SUFFIXES
from coderouter_exporter.tail.names import is_sibling

FRESH_NS = 100_000_000
"""What was modified this recently may be modified again without its time stamp showing it."""

Identity = tuple[int, int]
"""Device and inode of a file."""


@dataclass(frozen=True)
class FileStat:
    """Metadata of a file. As long as it stays the same, so does the content."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, info: os.stat_result) -> Self:
        return cls(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)

    @property
    def identity(self) -> Identity:
        return self.device, self.inode


@dataclass(frozen=True)
class Candidate:
    """A file that exists and may belong to an event file."""

    path: Path
    stat: FileStat

    @property
    def compression(self) -> str:
        """Its suffix when that names a compression, else empty."""
        return self.path.suffix if self.path.suffix in SUFFIXES else ""


@dataclass(frozen=True, eq=False)
class Listing:
    """The names in a folder at one time; only the same object means that nothing has changed since."""

    names: tuple[str, ...]
    modified_ns: int
    """Of the folder; 0 when it could not be listed, -1 when it may change without its time stamp showing it."""


class Folders:
    """The sorted names in folders. A folder is listed again only when it has changed."""

    def __init__(self) -> None:
        self._listings: dict[Path, Listing] = {}

    def listing(self, folder: Path) -> Listing:
        """Return the names in the folder: the same object as last time when nothing has changed."""
        previous = self._listings.get(folder)
        try:
            modified_ns = folder.stat().st_mtime_ns
            if previous is not None and previous.modified_ns == modified_ns:
                return previous
            if time.time_ns() - modified_ns < FRESH_NS:
                modified_ns = -1
            listing = Listing(tuple(sorted(os.listdir(folder))), modified_ns)  # noqa: PTH208 - names, not paths
        except OSError:
            listing = Listing((), 0)
        if listing.modified_ns == 0 and previous is not None and previous.modified_ns == 0:
            return previous
        self._listings[folder] = listing
        return listing


class RotationGroup:
    """One event file and its rotated siblings, by name.

    `is_other` says whether a path is an event file of its own, and so no sibling. So is a file for which a proxy has
    made a liveness lock. `rotated_globs` are names of siblings beside those of the naming rules.
    """

    def __init__(
        self,
        path: Path,
        folders: Folders,
        olddir: Path | None,
        is_other: Callable[[Path], bool],
        rotated_globs: Sequence[str] = (),
    ) -> None:
        self._path = path
        self._folders = folders
        self._olddir = olddir
        self._is_other = is_other
        self._rotated_globs = tuple(rotated_globs)

    def listings(self) -> dict[Path, Listing]:
        """Return the listing of every folder that may hold a sibling."""
        return {folder: self._folders.listing(folder) for folder in self._sibling_folders()}

    def candidates(self, more: Iterable[Path]) -> list[Candidate]:
        """Return the files of the group and of `more` that exist, the path itself last, each under one name."""
        paths = dict.fromkeys((*self._siblings(), *more, self._path))
        found: dict[Identity, Candidate] = {}
        for path in paths:
            stat = stat_of(path)
            if stat is not None and (path == self._path or not self._is_other(path)):
                found.pop(stat.identity, None)
                found[stat.identity] = Candidate(path, stat)
        return list(found.values())

    def _paths(self) -> list[Path]:
        """Return the path and, when it is a symlink, its target."""
        if not self._path.is_symlink():
            return [self._path]
        return list(dict.fromkeys((self._path, self._path.resolve())))

    def _sibling_folders(self) -> list[Path]:
        """Return the folder of the path, that of its target, and the olddir of both."""
        beside = dict.fromkeys(path.parent for path in self._paths())
        olddirs = (folder / self._olddir for folder in beside) if self._olddir else ()
        return list(dict.fromkeys((*beside, *olddirs)))

    def _siblings(self) -> Iterator[Path]:
        for path in self._paths():
            for folder in self._sibling_folders():
                names = self._folders.listing(folder).names
                candidates = names if self._rotated_globs else _starting_with(names, path.stem)
                for name in candidates:
                    if is_sibling(name, path, self._rotated_globs) and not _has(names, lock_path(Path(name))):
                        yield folder / name


def stat_of(path: Path | str) -> FileStat | None:
    """Return the metadata of a regular file, or None when there is none at the path."""
    try:
        info = os.stat(path)  # noqa: PTH116 - called for every known file in every poll
    except OSError:
        return None
    return FileStat.of(info) if S_ISREG(info.st_mode) else None


def _starting_with(names: tuple[str, ...], stem: str) -> Iterator[str]:
    for at in range(bisect_left(names, stem), len(names)):
        if not names[at].startswith(stem):
            return
        yield names[at]


def _has(names: tuple[str, ...], path: Path) -> bool:
    at = bisect_left(names, path.name)
    return at < len(names) and names[at] == path.name
