"""The files of one path, active and rotated: those that are open, and those that are closed until they change."""

from collections.abc import Callable, Container, Iterator, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from coderouter_exporter.families.exporter import COMPRESSED_FILES, LINES, ROTATIONS
from coderouter_exporter.names import shown
from coderouter_exporter.records.age import oldest_first
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.checkpoints import Checkpoints, first_event_of
from coderouter_exporter.tail.closed_files import ClosedFile, ClosedFiles
from coderouter_exporter.tail.content import Content, close
from coderouter_exporter.tail.gone import Timer
from coderouter_exporter.tail.growth import is_written_under_its_name
from coderouter_exporter.tail.noticed import CHECKPOINTS_CHANGED, Noticed, counted, lost
from coderouter_exporter.tail.open_file import OpenFile
from coderouter_exporter.tail.open_files import OpenFiles
from coderouter_exporter.tail.opener import Opener
from coderouter_exporter.tail.rotated import Candidate, FileStat, Identity
from coderouter_exporter.tail.shared import Shared
from coderouter_exporter.tail.trouble import Failures, Trouble, must_reopen, skipped

OPENED_AT_ONCE = 32

T = TypeVar("T")


class Files:
    """Opens files and closes them once read. A method that yields does its work as it is iterated to its end."""

    def __init__(self, path: Path, checkpoints: list[Checkpoint], shared: Shared) -> None:
        self.open = OpenFiles(path, shared.descriptors)
        self.must_list = True
        """The next poll has to list the folders, even if no name in them has changed."""
        self.more_to_open = False
        """There were more new files than are opened at once."""
        self._path = path
        self._shared = shared
        self._checkpoints = Checkpoints(path, checkpoints)
        self._closed = ClosedFiles()
        self._failures = Failures[Identity]()
        self._opener = Opener(self._checkpoints, self._closed, self._failures, shared.step)

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """Those of all files, open or closed."""
        return self._checkpoints.entries

    def unfinished_paths(self) -> list[Path]:
        """Return where files that may still hold unread lines were seen last."""
        return self._checkpoints.unfinished_paths()

    def pending(self, active: Identity | None) -> int:
        """Return the number of files with unread lines, other than the active one."""
        unread = [file for file in self.open.rotated(active) if file.bytes_behind]
        return len(unread) + self._closed.pending()

    def is_known(self, active: FileStat) -> bool:
        """Return whether the file at the path is open, or closed and unchanged."""
        closed = self._closed.get(self._path)
        return (closed is not None and closed.stat == active) or active.identity in self.open.identities()

    def is_readable(self, active: FileStat | None) -> bool:
        """Return whether the file at the path is open, or was read before."""
        closed = self._closed.get(self._path)
        if self._failures.reason(self._path):
            return False
        is_open = active is not None and active.identity in self.open.identities()
        return is_open or (closed is not None and closed.checkpoint is not None)

    def closed_files_changed(self) -> bool:
        """Return whether one has changed, or is to be tried again."""
        return self._closed.any_to_open(self._failures)

    def failure(self, path: Path) -> str:
        """Return why the file there could not be read at the last try; empty if it could."""
        return self._failures.reason(path)

    def troubles(self) -> list[Trouble]:
        """Return why files are not read."""
        growing = [file.path for file in self.open if file.checkpoint.grows]
        found = [*self._failures.troubles(), *self._closed.skipped()]
        if growing:
            why = f"it grows, so it is no rotated file of {shown(self._path)}; give it another name"
            found += [skipped(path, why) for path in growing]
        return found

    def refresh(self) -> Iterator[Noticed]:
        """Notice how the open files have changed, and restart those that were truncated."""
        for file in self.open:
            self._try(file, file.refresh)
        for file in self.open.take_evicted():
            if file.idle:
                self._closed.add(file.path, ClosedFile(stat=file.content.stat, checkpoint=file.checkpoint))
            else:
                self.must_list = True
        for file in self.open:
            if file.truncated:
                yield self._restart(file)

    def read(self, file: OpenFile) -> Iterator[Chunk]:
        """Yield the lines of an open file that were there at the last poll."""
        if file.closed or file.idle or file.checkpoint.grows or self._failures.is_paused(file.identity):
            return
        self._shared.descriptors.use(file)
        try:
            while (chunk := file.read(self._shared.step)) is not None:
                yield chunk
        except OSError as error:
            self._fail(file, error)
            return
        self._failures.clear(file.identity)
        file.idle = not file.truncated

    def track(self, found: Sequence[Candidate], unseen: Container[Path]) -> Iterator[Noticed]:
        """Follow renames among the files found and open new ones, as many as are opened at once.

        `unseen` are paths of which it cannot be known whether there is a file.
        """
        yield from self.open.follow_renames(found)
        yield from self._open_new(self._new(found, unseen))

    def close_finished(self, active: Identity | None) -> Iterator[Noticed]:
        """Close rotated files that have been read to their end and have not grown for a while."""
        for file in [file for file in self.open.rotated(active) if file.idle]:
            if not file.content.can_change or monotonic() - file.grew_at > self._shared.late_writer_s:
                yield from self._finish(file)
            elif not file.bytes_behind and not file.checkpoint.finished:
                self._checkpoints.finish(file)
                yield CHECKPOINTS_CHANGED

    def forget_gone(self, *, path_is_readable: bool) -> Iterator[Noticed]:
        """Forget files that are gone, and count those that had not been read to their end.

        They are not counted while a file cannot be read, because it may be one of them. To be called only when all
        files that are there were found.
        """
        existing = self._existing()
        if path_is_readable and not self._closed.pending():
            for checkpoint in self._checkpoints.unmatched(existing):
                checkpoint.finished = True
                yield lost(checkpoint)
        self._checkpoints.forget_gone(existing)

    def check_growth(self) -> Iterator[Noticed]:
        """Notice which files only look rotated, by their names."""
        for file in self.open:
            grows = self._try(file, partial(is_written_under_its_name, file, self._shared.is_our_writer))
            if grows is not None and grows is not file.checkpoint.grows:
                file.checkpoint.grows = grows
                yield CHECKPOINTS_CHANGED
            if grows:
                self._failures.clear(file.identity)

    def forget_long_gone(self, timer: Timer, elapsed_s: float) -> Iterator[Noticed]:
        """Forget files that have been gone for long, and count those that had not been read to their end."""
        if self.must_list or self.more_to_open:
            return
        for checkpoint in self._checkpoints.forget_long_gone(self._existing(), timer, elapsed_s):
            yield CHECKPOINTS_CHANGED if checkpoint.finished or not checkpoint.offset else lost(checkpoint)

    def close(self) -> None:
        self.open.close_all()

    def _existing(self) -> list[Checkpoint]:
        """Return the checkpoints of the files that are there."""
        return [*(file.checkpoint for file in self.open), *self._closed.checkpoints()]

    def _try(self, file: OpenFile, action: Callable[[], T]) -> T | None:
        """Return what the action returns, or None if it fails, or is to be tried later."""
        if file.closed or self._failures.is_paused(file.identity):
            return None
        try:
            return action()
        except OSError as error:
            self._fail(file, error)
            return None

    def _fail(self, file: OpenFile, error: OSError) -> None:
        """Try to read the file again later; by the same descriptor if it may still work, because the file may have
        lost its name."""
        self._failures.add(file.identity, file.path, error)
        file.idle = False
        if must_reopen(error) or not file.content.can_change:
            self.open.close(file)
            pending = file.path != self._path
            self._closed.add(file.path, ClosedFile(stat=file.content.stat, pending=pending, failed=True))

    def _restart(self, file: OpenFile) -> Noticed:
        """Read the file from its beginning; the rest of what it held may be in a copy."""
        self._checkpoints.restart(file)
        self._closed.clear()
        self.must_list = True
        return counted(ROTATIONS, "copytruncate", checkpoints_changed=True)

    def _new(self, found: Sequence[Candidate], unseen: Container[Path]) -> list[Candidate]:
        """Return the files that are not open, and not closed and unchanged; forget closed ones that are gone."""
        paths = {candidate.path for candidate in found}
        open_files = self.open.identities()
        not_open = [candidate for candidate in found if candidate.stat.identity not in open_files]
        self._closed.keep_unchanged(not_open, unseen, self._failures)
        self._failures.keep_only(
            open_files.union((each.stat.identity for each in found), self._closed.identities())
        )
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
                content = self._opener.open(candidate, at_path=candidate.path == self._path)
                if isinstance(content, ClosedFile):
                    self._close(candidate, content)
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
                close(content)
        self.open.sort()

    def _close(self, candidate: Candidate, file: ClosedFile) -> None:
        self._closed.add(candidate.path, file)
        if not file.failed:
            self._failures.clear(candidate.stat.identity)

    def _start_reading(self, candidate: Candidate, content: Content) -> Noticed:
        """Read the file from its checkpoint on, unless it is a copy."""
        path, at_path = candidate.path, candidate.path == self._path
        try:
            assigned = self._checkpoints.assign(content, tuple(self.open), at_path=at_path)
        except OSError as error:
            close(content)
            self._close(candidate, self._opener.put_off(candidate, error, at_path=at_path))
            return Noticed()
        if assigned is None:
            close(content)
            self._close(candidate, ClosedFile(stat=candidate.stat, is_copy=True))
            return Noticed()
        if assigned.replaces is not None:
            self.open.close(assigned.replaces)
        assigned.checkpoint.at_path |= at_path
        file = OpenFile(path, content, assigned.checkpoint)
        self._failures.try_now(file.identity)
        self.open.add(file)
        return CHECKPOINTS_CHANGED

    def _finish(self, file: OpenFile) -> Iterator[Noticed]:
        """Close a file that has been read to its end."""
        if file.bytes_behind and not file.partial_is_counted:
            yield counted(LINES, "partial")
        if not file.content.can_change:
            yield counted(COMPRESSED_FILES, "known" if file.was_read_before else "read")
        stat = file.content.stat
        self._checkpoints.finish(file)
        self._closed.add(file.path, ClosedFile(stat=stat, checkpoint=file.checkpoint))
        self.open.close(file)
        # Whether copies hold more can be decided now that their original is complete.
        self.must_list |= self._closed.drop_copies()
        yield CHECKPOINTS_CHANGED
