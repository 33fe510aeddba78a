"""The files of one path, active and rotated: those that are open, and those that are closed until they change."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from coderouter_exporter.families.exporter import COMPRESSED_FILES, LINES, ROTATIONS, UNMATCHED
from coderouter_exporter.records.age import oldest_first
from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.archive import ArchiveError, BadArchive, Compressed
from coderouter_exporter.tail.checkpoints import Checkpoints, first_event_of
from coderouter_exporter.tail.content import Content, Plain
from coderouter_exporter.tail.gone import Timer
from coderouter_exporter.tail.noticed import CHECKPOINTS_CHANGED, Noticed, counted
from coderouter_exporter.tail.open_file import OpenFile
from coderouter_exporter.tail.rotated import Candidate, FileStat, Identity, stat_of
from coderouter_exporter.tail.shared import Shared

OPENED_AT_ONCE = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ClosedFile:
    """A file that needs nothing until its metadata changes."""

    stat: FileStat
    checkpoint: Checkpoint | None = None
    pending: bool = False
    """It cannot be read yet, though it may hold lines."""
    is_copy: bool = False
    """It is a copy of an open file."""
    refused: ArchiveError | None = None
    """Why it is never read; None when it was closed for another reason, or refused earlier."""


class Files:
    """Opens files and closes them once read. A method that yields does its work as it is iterated to its end."""

    def __init__(self, path: Path, checkpoints: list[Checkpoint], shared: Shared) -> None:
        self.open: list[OpenFile] = []
        """Oldest first; the one at the path is the last."""
        self.must_list = True
        """The next poll has to list the folders, even if no name in them has changed."""
        self.more_to_open = False
        """There were more new files than are opened at once."""
        self._path = path
        self._shared = shared
        self._checkpoints = Checkpoints(path, checkpoints)
        self._closed: dict[Path, ClosedFile] = {}

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Those of all files, open or closed."""
        return self._checkpoints.entries

    def unfinished_paths(self) -> list[Path]:
        """Return where files that may still hold unread lines were seen last."""
        return self._checkpoints.unfinished_paths()

    def pending(self, active: Identity | None) -> int:
        """Return the number of files with unread lines, other than the active one."""
        unread = [file for file in self.open if file.bytes_behind and file.identity != active]
        return len(unread) + sum(file.pending for file in self._closed.values())

    def is_known(self, active: FileStat) -> bool:
        """Return whether the file at the path is open, or closed and unchanged."""
        closed = self._closed.get(self._path)
        return (closed is not None and closed.stat == active) or self._is_open(active)

    def is_readable(self, active: FileStat | None) -> bool:
        """Return whether the file at the path is open, or was read before."""
        closed = self._closed.get(self._path)
        return (active is not None and self._is_open(active)) or (
            closed is not None and closed.checkpoint is not None
        )

    def closed_files_changed(self) -> bool:
        return any(stat_of(path) != file.stat for path, file in self._closed.items())

    def refresh(self) -> Iterator[Noticed]:
        """Notice how the open files have changed, and restart those that were truncated."""
        for file in self.open:
            file.refresh()
        self._drop_evicted()
        for file in self.open:
            if file.truncated:
                yield self._restart(file)

    def track(self, found: Sequence[Candidate]) -> Iterator[Noticed]:
        """Follow renames among the files found and open new ones, as many as are opened at once."""
        yield from self._follow_renames(found)
        yield from self._open_new(self._new(found))

    def close_finished(self, active: Identity | None) -> Iterator[Noticed]:
        """Close rotated files that have been read to their end and have not grown for a while."""
        for file in [file for file in self.open if file.idle and file.identity != active]:
            if not file.content.can_change or monotonic() - file.grew_at > self._shared.late_writer_s:
                yield from self._finish(file)
            elif not file.bytes_behind and not file.checkpoint.finished:
                self._checkpoints.finish(file)
                yield CHECKPOINTS_CHANGED

    def forget_gone(self, *, path_is_readable: bool) -> Iterator[Noticed]:
        """Forget files that are gone, and count those that had not been read to their end.

        They are not counted while a file cannot be read, because it may be one of them.
        """
        existing = self._existing()
        if path_is_readable and not any(file.pending for file in self._closed.values()):
            for checkpoint in self._checkpoints.unmatched(existing):
                checkpoint.finished = True
                yield counted(UNMATCHED)
        self._checkpoints.forget_gone(existing)

    def forget_long_gone(self, timer: Timer, elapsed_s: float) -> Iterator[Noticed]:
        """Forget files that have been gone for long, and count those that had not been read to their end."""
        if self.must_list or self.more_to_open:
            return
        for checkpoint in self._checkpoints.forget_long_gone(self._existing(), timer, elapsed_s):
            is_lost = checkpoint.offset and not checkpoint.finished
            yield counted(UNMATCHED, checkpoints_changed=True) if is_lost else CHECKPOINTS_CHANGED

    def _existing(self) -> list[Checkpoint]:
        """Return the checkpoints of the files that are there."""
        existing = [file.checkpoint for file in self.open]
        return existing + [file.checkpoint for file in self._closed.values() if file.checkpoint is not None]

    def close(self) -> None:
        for file in self.open:
            self._shared.descriptors.close(file)
        self.open.clear()

    def _is_open(self, stat: FileStat) -> bool:
        return any(file.identity == stat.identity for file in self.open)

    def _restart(self, file: OpenFile) -> Noticed:
        """Read the file from its beginning; the rest of what it held may be in a copy."""
        self._checkpoints.restart(file)
        self._closed.clear()
        self.must_list = True
        return counted(ROTATIONS, "copytruncate", checkpoints_changed=True)

    def _drop_evicted(self) -> None:
        """Close the files whose descriptors were needed for others."""
        for file in [file for file in self.open if file.closed]:
            self.open.remove(file)
            if file.idle:
                self._closed[file.path] = ClosedFile(stat=file.content.stat, checkpoint=file.checkpoint)
            else:
                self.must_list = True

    def _follow_renames(self, found: Sequence[Candidate]) -> Iterator[Noticed]:
        open_files = {file.identity: file for file in self.open}
        for candidate in found:
            file = open_files.get(candidate.stat.identity)
            if file is not None and file.path != candidate.path:
                file.move_to(candidate.path)
                yield CHECKPOINTS_CHANGED

    def _new(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Return the files that are not open, and not closed and unchanged; forget closed ones that are gone."""
        paths = {candidate.path for candidate in found}
        open_files = {file.identity for file in self.open}
        not_open = [candidate for candidate in found if candidate.stat.identity not in open_files]
        known = self._closed
        self._closed = {
            candidate.path: known[candidate.path]
            for candidate in not_open
            if candidate.path in known and known[candidate.path].stat == candidate.stat
        }
        # An archive beside its plain twin is still being made from it; the twin is read.
        return [
            candidate
            for candidate in not_open
            if candidate.path not in self._closed
            and not (candidate.compression and candidate.path.with_suffix("") in paths)
        ]

    def _open_new(self, new: Sequence[Candidate]) -> Iterator[Noticed]:
        """Open these files and start reading them, the oldest first."""
        opened: list[tuple[Candidate, Content]] = []
        try:
            for candidate in new:
                content = self._open(candidate)
                if isinstance(content, ClosedFile):
                    self._closed[candidate.path] = content
                    if content.refused is not None:
                        yield counted(COMPRESSED_FILES, content.refused.value, checkpoints_changed=True)
                else:
                    opened.append((candidate, content))
                if len(opened) == OPENED_AT_ONCE:
                    break
            self.more_to_open = len(opened) == OPENED_AT_ONCE
            opened = oldest_first(opened, lambda pair: first_event_of(pair[1]))
            opened.sort(key=lambda pair: pair[0].path == self._path)
            while opened:
                self._shared.step("opened")
                yield self._start_reading(*opened.pop(0))
        finally:
            for _, content in opened:
                content.close()
        self.open.sort(key=lambda file: file.path == self._path)

    def _open(self, candidate: Candidate) -> Content | ClosedFile:
        """Return the content of the file, or why it stays closed."""
        path, stat = candidate.path, candidate.stat
        at_path = path == self._path
        if at_path or not candidate.compression:
            try:
                return Plain(path)
            except OSError:
                return ClosedFile(stat=stat, pending=not at_path)
        if (done := self._checkpoints.finished_archive(stat)) is not None:
            return ClosedFile(stat=stat, checkpoint=done)
        try:
            return Compressed(path, self._shared.step)
        except OSError:
            return ClosedFile(stat=stat, pending=True)
        except BadArchive as bad:
            if bad.error is ArchiveError.INCOMPLETE:
                return ClosedFile(stat=stat, pending=True)
            log.warning("skipping %s: %s", path, bad.error.value.replace("_", " "))
            return ClosedFile(stat=stat, checkpoint=self._checkpoints.refuse(stat), refused=bad.error)

    def _start_reading(self, candidate: Candidate, content: Content) -> Noticed:
        """Read the file from its checkpoint on, unless it is a copy."""
        path = candidate.path
        assigned = self._checkpoints.assign(content, self.open, at_path=path == self._path)
        if assigned is None:
            content.close()
            self._closed[path] = ClosedFile(stat=candidate.stat, is_copy=True)
            return Noticed()
        if assigned.replaces is not None:
            self._drop(assigned.replaces)
        file = OpenFile(path, content, assigned.checkpoint)
        self.open.append(file)
        self._shared.descriptors.use(file)
        return CHECKPOINTS_CHANGED

    def _finish(self, file: OpenFile) -> Iterator[Noticed]:
        """Close a file that has been read to its end."""
        if file.bytes_behind and not file.partial_is_counted:
            yield counted(LINES, "partial")
        if not file.content.can_change:
            yield counted(COMPRESSED_FILES, "known" if file.was_read_before else "read")
        stat = file.content.stat
        self._checkpoints.finish(file)
        self._closed[file.path] = ClosedFile(stat=stat, checkpoint=file.checkpoint)
        self._drop(file)
        for path in [path for path, closed in self._closed.items() if closed.is_copy]:
            del self._closed[path]  # whether it holds more can be decided now that its original is complete
            self.must_list = True
        yield CHECKPOINTS_CHANGED

    def _drop(self, file: OpenFile) -> None:
        self._shared.descriptors.close(file)
        self.open.remove(file)
