"""Finds the files that may hold lines of an event file: the file itself and its rotated siblings."""

import errno
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Self

from coderouter_events.lock import lock_path
from coderouter_exporter.tail.compression import SUFFIXES
from coderouter_exporter.tail.names import is_sibling
from coderouter_exporter.tail.trouble import Kind, Trouble, reason_of, reason_of_errno, unreadable

RELIST_S = 30.0
FRESH_NS = 100_000_000
"""What was modified this recently may be modified again without its time stamp showing it."""
_NOT_THERE = frozenset((errno.ENOENT, errno.ENOTDIR))
"""With any other error, a file may be there."""

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

    def has_content_of(self, before: Self) -> bool:
        """Return whether only other metadata has changed, such as the mode."""
        return replace(self, changed_ns=0) == replace(before, changed_ns=0)


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
    error: int | None = None
    """Why the folder could not be listed. If it may be there, the names are those of the last time."""

    def is_as(self, before: Self) -> bool:
        """Return whether nothing has changed, which cannot be known of a folder that may just be changing."""
        same = (self.names, self.modified_ns, self.error) == (before.names, before.modified_ns, before.error)
        return same and self.modified_ns >= 0


class Folders:
    """The sorted names in folders. A folder is listed again when it has changed, and at long intervals.

    Not all file systems show each change in the time stamp.
    """

    def __init__(self, relist_s: float = RELIST_S) -> None:
        self._relist_s = relist_s
        self._listings: dict[Path, Listing] = {}
        self._listed_at: dict[Path, float] = {}

    def listing(self, folder: Path) -> Listing:
        """Return the names in the folder: the same object as last time when nothing has changed."""
        previous = self._listings.get(folder)
        now = time.monotonic()
        try:
            modified_ns = folder.stat().st_mtime_ns
            if (
                previous is not None
                and previous.modified_ns == modified_ns
                and now - self._listed_at[folder] < self._relist_s
            ):
                return previous
            if time.time_ns() - modified_ns < FRESH_NS:
                modified_ns = -1
            listing = Listing(tuple(sorted(os.listdir(folder))), modified_ns)  # noqa: PTH208 - names, not paths
        except OSError as error:
            if previous is not None and previous.error == error.errno:
                return previous
            names = previous.names if previous is not None and error.errno not in _NOT_THERE else ()
            listing = Listing(names, 0, error.errno)
        self._listed_at[folder] = now
        if previous is not None and listing.is_as(previous):
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
        self._known_paths = [path]
        self._unseen: dict[Path, str] = {}

    def listings(self) -> dict[Path, Listing]:
        """Return the listing of every folder that may hold a sibling."""
        return {folder: self._folders.listing(folder) for folder in self._sibling_folders()}

    def candidates(self, more: Iterable[Path]) -> list[Candidate]:
        """Return the files of the group and of `more` that exist, the path itself last, each under one name."""
        paths = dict.fromkeys((*self._siblings(), *more, self._path))
        found: dict[Identity, Candidate] = {}
        self._unseen = {}
        for path in paths:
            try:
                stat = stat_of(path)
            except OSError as error:
                self._unseen[path] = reason_of(error)
                continue
            if stat is not None and (path == self._path or not self._is_other(path)):
                found.pop(stat.identity, None)
                found[stat.identity] = Candidate(path, stat)
        return list(found.values())

    def is_complete(self, listings: Mapping[Path, Listing]) -> bool:
        """Return whether the last candidates are all files that there are: nothing kept one from being seen."""
        return not self._unseen and all(listing.error in (None, *_NOT_THERE) for listing in listings.values())

    def unseen(self) -> set[Path]:
        """Return the paths of which the last search could not know whether there is a file."""
        return set(self._unseen)

    def troubles(self, listings: Mapping[Path, Listing]) -> list[Trouble]:
        """Return what kept files from being found, and an olddir that is not there."""
        found = [unreadable(path, reason) for path, reason in self._unseen.items() if path != self._path]
        found += [
            unreadable(folder, reason_of_errno(listing.error))
            for folder, listing in listings.items()
            if listing.error is not None and listing.error not in _NOT_THERE
        ]
        olddirs = [folder for folder in self._olddirs(self._known_paths) if folder in listings]
        if olddirs and all(listings[folder].error in _NOT_THERE for folder in olddirs):
            found.append(Trouble(path=olddirs[0], reason="no such folder", kind=Kind.ABSENT))
        return found

    def _paths(self) -> list[Path]:
        """Return the path and, when it is a symlink, its target; as last time when that cannot be known."""
        try:
            if S_ISLNK(os.lstat(self._path).st_mode):
                self._known_paths = list(dict.fromkeys((self._path, Path(os.path.realpath(self._path)))))
            else:
                self._known_paths = [self._path]
        except OSError as error:
            if error.errno in _NOT_THERE:
                self._known_paths = [self._path]
        return self._known_paths

    def _sibling_folders(self) -> list[Path]:
        """Return the folder of the path, that of its target, and the olddir of both."""
        paths = self._paths()
        return list(dict.fromkeys((*(path.parent for path in paths), *self._olddirs(paths))))

    def _olddirs(self, paths: Iterable[Path]) -> list[Path]:
        if self._olddir is None:
            return []
        return list(dict.fromkeys(path.parent / self._olddir for path in paths))

    def _siblings(self) -> Iterator[Path]:
        for path in self._paths():
            for folder in self._sibling_folders():
                names = self._folders.listing(folder).names
                candidates = names if self._rotated_globs else _starting_with(names, path.stem)
                for name in candidates:
                    if is_sibling(name, path, self._rotated_globs) and not _has(names, lock_path(Path(name))):
                        yield folder / name


def stat_of(path: Path | str) -> FileStat | None:
    """Return the metadata of a regular file, or None when there is none at the path.

    Raises:
        OSError: that cannot be known.
    """
    try:
        info = os.stat(path)  # noqa: PTH116 - called for every known file in every poll
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise
    except ValueError:
        return None  # a NUL byte in the name
    return FileStat.of(info) if S_ISREG(info.st_mode) else None


def _starting_with(names: tuple[str, ...], stem: str) -> Iterator[str]:
    for at in range(bisect_left(names, stem), len(names)):
        if not names[at].startswith(stem):
            return
        yield names[at]


def _has(names: tuple[str, ...], path: Path) -> bool:
    at = bisect_left(names, path.name)
    return at < len(names) and names[at] == path.name
