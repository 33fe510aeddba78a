"""Reads one path as one endless series of lines, across rotation, copies, compression, restarts and absence.

A file is recognised by its content, not by its name or inode. A rotated file is read to its end and stays open for
a while, because its writer may still append to it. Once closed, it is checked for changes as long as it exists.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from coderouter_exporter.families.exporter import ROTATIONS
from coderouter_exporter.names import shown
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.files import Files
from coderouter_exporter.tail.gone import Timer, is_gone
from coderouter_exporter.tail.noticed import Noticed, counted
from coderouter_exporter.tail.rotated import Candidate, FileStat, Identity, Listing, RotationGroup, stat_of
from coderouter_exporter.tail.shared import Shared
from coderouter_exporter.tail.trouble import Failures, Trouble, absence, reason_of, unreadable

LISTINGS_MAX = 5

log = logging.getLogger(__name__)


class Tail:
    """One configured path: the active file and the older ones.

    A pass over it is `poll`, then `chunks` to its end, then `close_finished`. What the two others return is to be
    counted and committed together with the lines.
    """

    def __init__(self, path: Path, checkpoints: list[Checkpoint], shared: Shared | None = None) -> None:
        self.path = path
        self.readable: bool | None = None
        """Whether the file was there and could be opened at the last poll; None before the first."""
        self._shared = shared or Shared()
        self._files = Files(path, checkpoints, self._shared)
        self._group = RotationGroup(
            path,
            self._shared.folders,
            self._shared.olddir,
            self._shared.is_other,
            self._shared.rotated_globs,
        )
        self._listings: dict[Path, Listing] = {}
        self._at_path: Identity | None = None
        """The file at the path, if there was one at the last poll."""
        self._active: Identity | None = None
        """The file that was last at the path."""
        self._stat: FileStat | None = None
        """Of the file at the path at the last poll."""
        self._unseen = ""
        """Why it cannot be known whether there is a file at the path."""
        self._trouble: Trouble | None = None
        """Why there is nothing to read at the path."""
        self._searches = Failures[Path]()
        self._gone_s = 0.0

    def poll(self) -> Noticed:
        """Notice what was created, renamed, copied, compressed, truncated or removed."""
        return Noticed.merge(self._poll())

    def chunks(self) -> Iterator[Chunk]:
        """Yield the lines that were there at the last poll, oldest file first."""
        for file in self._files.open:
            yield from self._files.read(file)

    def close_finished(self) -> Noticed:
        """Close rotated files that have been read to their end and have not grown for a while."""
        noticed = Noticed.merge(self._files.close_finished(self._at_path))
        self._update_trouble(self._stat)
        return noticed

    def forget_long_gone(self, timer: Timer, elapsed_s: float) -> Noticed:
        """Forget files that have been gone for long."""
        self._gone_s = self._gone_s + elapsed_s if is_gone(self.path) else 0.0
        return Noticed.merge(self._files.forget_long_gone(timer, elapsed_s))

    def is_abandoned(self, timer: Timer) -> bool:
        """Return whether there has been nothing at the path for long, and no file of it is left."""
        return self._gone_s > timer.kept_s and not self.checkpoints

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Those of all files of this path, open or closed, as they are now."""
        return self._files.checkpoints

    @property
    def needs_another_pass(self) -> bool:
        """Whether a file was truncated while it was read, or more files wait to be opened."""
        return self._files.more_to_open or any(file.truncated for file in self._files.open)

    def bytes_behind(self) -> int:
        return sum(file.bytes_behind for file in self._files.open if not file.checkpoint.grows)

    def troubles(self) -> list[Trouble]:
        """Return why files are not read; first that of the path, if it has one."""
        others = [*self._files.troubles(), *self._group.troubles(self._listings)]
        if self._trouble is None:
            return others
        own = (self.path, self.path.parent)
        return [self._trouble, *(trouble for trouble in others if trouble.path not in own)]

    def files_pending(self) -> int:
        """Return the number of rotated files with unread lines."""
        return self._files.pending(self._active)

    def close(self) -> None:
        self._files.close()

    def _poll(self) -> Iterator[Noticed]:
        yield from self._files.refresh()
        active = self._look()
        if self._must_list(active):
            yield from self._list()
        yield from self._files.check_growth()
        self._stat = active
        if not self._unseen:
            self._at_path = active.identity if active else None
        yield self.close_finished()

    def _look(self) -> FileStat | None:
        """Return the metadata of the file at the path; None if there is none, or if that cannot be known."""
        self._unseen = ""
        try:
            return stat_of(self.path)
        except OSError as error:
            self._unseen = reason_of(error)
            return None

    def _must_list(self, active: FileStat | None) -> bool:
        if self._files.must_list or self._files.more_to_open or self._searches.is_due(self.path):
            return True
        if active is not None and not self._files.is_known(active):
            return True
        return self._group.listings() != self._listings or self._files.closed_files_changed()

    def _list(self) -> Iterator[Noticed]:
        """Track the files that exist; again when a rename was under way, which may have hidden one."""
        self._files.must_list = True
        found: list[Candidate] = []
        for _ in range(LISTINGS_MAX):
            self._listings = self._group.listings()
            found = self._candidates()
            yield from self._files.track(found, self._group.unseen())
            if _names(found) == _names(self._candidates()):
                self._files.must_list = False
                break
        active = next((candidate.stat for candidate in found if candidate.path == self.path), None)
        self._update_trouble(active)
        if active is not None:
            yield self._notice_rotation(active.identity)
        if not self._group.is_complete(self._listings):
            self._searches.add(self.path, self.path, OSError())
            return
        self._searches.clear(self.path)
        if not self._files.must_list and not self._files.more_to_open:
            yield from self._files.forget_gone(path_is_readable=bool(self.readable))

    def _candidates(self) -> list[Candidate]:
        return self._group.candidates(self._files.unfinished_paths())

    def _notice_rotation(self, active: Identity) -> Noticed:
        """Notice that another file is at the path than before, and what kind of rotation put it there."""
        previous, self._active = self._active, active
        if previous in (None, active):
            return Noticed()
        rotated = next((file for file in self._files.open if file.identity == previous), None)
        if os.path.islink(self.path):  # noqa: PTH114 - it raises no OSError
            kind = "symlink"
        elif rotated is not None and rotated.exists():
            kind = "rename"
        else:
            kind = "recreate"
        return counted(ROTATIONS, kind)

    def _update_trouble(self, active: FileStat | None) -> None:
        """Notice whether the file at the path can be read, and why not."""
        readable = not self._unseen and self._files.is_readable(active)
        if readable and not self.readable:
            log.info("reading %s", shown(self.path))
        self.readable = readable
        if readable:
            self._trouble = None
        elif reason := self._unseen or self._files.failure(self.path):
            self._trouble = unreadable(self.path, reason)
        else:
            self._trouble = absence(self.path)


def _names(found: list[Candidate]) -> list[tuple[Path, Identity]]:
    return [(candidate.path, candidate.stat.identity) for candidate in found]
