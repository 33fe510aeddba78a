"""Reads one path as one endless series of lines, across rotation, copies, compression, restarts and absence.

A file is recognised by its content, not by its name or inode. A rotated file is read to its end and stays open for
a while, because its writer may still append to it. Once closed, it is checked for changes as long as it exists.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from coderouter_exporter.families.exporter import ROTATIONS
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.files import Files
from coderouter_exporter.tail.gone import Timer, is_gone
from coderouter_exporter.tail.noticed import Noticed, counted
from coderouter_exporter.tail.rotated import Candidate, FileStat, Identity, Listing, RotationGroup, stat_of
from coderouter_exporter.tail.shared import Shared

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
        self._group = RotationGroup(path, self._shared.folders, self._shared.olddir, self._shared.is_source)
        self._listings: dict[Path, Listing] = {}
        self._at_path: Identity | None = None
        """The file at the path, if there was one at the last poll."""
        self._active: Identity | None = None
        """The file that was last at the path."""
        self._gone_s = 0.0

    def poll(self) -> Noticed:
        """Notice what was created, renamed, copied, compressed, truncated or removed."""
        return Noticed.merge(self._poll())

    def chunks(self) -> Iterator[Chunk]:
        """Yield the lines that were there at the last poll, oldest file first."""
        for file in list(self._files.open):
            if file.closed or file.idle:
                continue
            self._shared.descriptors.use(file)
            while (chunk := file.read(self._shared.step)) is not None:
                yield chunk
            file.idle = not file.truncated

    def close_finished(self) -> Noticed:
        """Close rotated files that have been read to their end and have not grown for a while."""
        return Noticed.merge(self._files.close_finished(self._at_path))

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
        return sum(file.bytes_behind for file in self._files.open)

    def files_pending(self) -> int:
        """Return the number of rotated files with unread lines."""
        return self._files.pending(self._active)

    def close(self) -> None:
        self._files.close()

    def _poll(self) -> Iterator[Noticed]:
        yield from self._files.refresh()
        active = stat_of(self.path)
        if self._must_list(active):
            yield from self._list()
        self._update_readable(active)
        self._at_path = active.identity if active else None
        yield self.close_finished()

    def _must_list(self, active: FileStat | None) -> bool:
        if self._files.must_list or self._files.more_to_open:
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
            yield from self._files.track(found)
            if _names(found) == _names(self._candidates()):
                self._files.must_list = False
                break
        active = next((candidate.stat for candidate in found if candidate.path == self.path), None)
        self._update_readable(active)
        if active is not None:
            yield self._notice_rotation(active.identity)
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
        if self.path.is_symlink():
            kind = "symlink"
        elif rotated is not None and rotated.exists():
            kind = "rename"
        else:
            kind = "recreate"
        return counted(ROTATIONS, kind)

    def _update_readable(self, active: FileStat | None) -> None:
        readable = self._files.is_readable(active)
        if readable is not self.readable:
            if readable:
                log.info("reading %s", self.path)
            else:
                reason = "no such file" if active is None else "permission denied"
                log.warning("cannot read %s (%s); waiting for it", self.path, reason)
        self.readable = readable


def _names(found: list[Candidate]) -> list[tuple[Path, Identity]]:
    return [(candidate.path, candidate.stat.identity) for candidate in found]
