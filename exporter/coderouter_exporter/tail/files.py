"""The files of one path, active and rotated: those that are open, and those that are closed until they change."""

from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from time import monotonic

from coderouter_exporter.families.exporter import COMPRESSED_FILES, LINES, ROTATIONS, UNMATCHED
from coderouter_exporter.names import shown
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.checkpoints import Checkpoints, by_age
from coderouter_exporter.tail.closed_files import ClosedFile, ClosedFiles
from coderouter_exporter.tail.content import Content, close
from coderouter_exporter.tail.growth import is_written_under_its_name
from coderouter_exporter.tail.noticed import CHECKPOINTS_CHANGED, Noticed, counted
from coderouter_exporter.tail.open_file import OpenFile
from coderouter_exporter.tail.opener import Opener
from coderouter_exporter.tail.rotated import Candidate, FileStat, Identity
from coderouter_exporter.tail.shared import Shared
from coderouter_exporter.tail.trouble import Failures, Trouble, must_reopen, skipped

OPENED_AT_ONCE = 32


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
        rotated = [file for file in self.open if file.identity != active and not file.checkpoint.grows]
        unread = [file for file in rotated if file.bytes_behind]
        return len(unread) + self._closed.pending()

    def is_known(self, active: FileStat) -> bool:
        """Return whether the file at the path is open, or closed and unchanged."""
        closed = self._closed.get(self._path)
        return (closed is not None and closed.stat == active) or self._is_open(active)

    def is_readable(self, active: FileStat | None) -> bool:
        """Return whether the file at the path is open, or was read before."""
        closed = self._closed.get(self._path)
        if self._failures.reason(self._path):
            return False
        return (active is not None and self._is_open(active)) or (
            closed is not None and closed.checkpoint is not None
        )

    def closed_files_changed(self) -> bool:
        """Return whether one has changed, or is to be tried again."""
        return self._closed.any_to_open(self._failures)

    def failure(self, path: Path) -> str:
        """Return why the file there could not be read at the last try; empty if it could."""
        return self._failures.reason(path)

    def troubles(self) -> list[Trouble]:
        """Return why files are not read."""
        growing = (file.path for file in self.open if file.checkpoint.grows)
        why = f"it grows, so it is no rotated file of {shown(self._path)}; give it another name"
        return [
            *self._failures.troubles(),
            *self._closed.skipped(),
            *(skipped(path, why) for path in growing),
        ]

    def refresh(self) -> Iterator[Noticed]:
        """Notice how the open files have changed, and restart those that were truncated."""
        for file in list(self.open):
            if not self._failures.is_paused(file.identity):
                try:
                    file.refresh()
                except OSError as error:
                    self._fail(file, error)
        self._drop_evicted()
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
        yield from self._follow_renames(found)
        yield from self._open_new(self._new(found, unseen))

    def close_finished(self, active: Identity | None) -> Iterator[Noticed]:
        """Close rotated files that have been read to their end and have not grown for a while."""
        rotated = [file for file in self.open if file.identity != active and not file.checkpoint.grows]
        for file in [file for file in rotated if file.idle]:
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
        existing = [file.checkpoint for file in self.open]
        existing += self._closed.checkpoints()
        if path_is_readable and not self._closed.pending():
            for checkpoint in self._checkpoints.unmatched(existing):
                checkpoint.finished = True
                yield Noticed(((UNMATCHED, ()),), lost=(checkpoint.number,))
        self._checkpoints.forget_gone(existing)

    def check_growth(self) -> Iterator[Noticed]:
        """Notice which files only look rotated, by their names."""
        for file in [file for file in self.open if not file.closed]:
            if self._failures.is_paused(file.identity):
                continue
            try:
                grows = is_written_under_its_name(file, self._shared.is_our_writer)
            except OSError as error:
                self._fail(file, error)
                continue
            if grows is not file.checkpoint.grows:
                file.checkpoint.grows = grows
                yield CHECKPOINTS_CHANGED

    def close(self) -> None:
        for file in self.open:
            self._shared.descriptors.close(file)
        self.open.clear()

    def _is_open(self, stat: FileStat) -> bool:
        return any(file.identity == stat.identity for file in self.open)

    def _fail(self, file: OpenFile, error: OSError) -> None:
        """Try to read the file again later; by the same descriptor if it may still work, because the file may have
        lost its name."""
        self._failures.add(file.identity, file.path, error)
        file.idle = False
        if must_reopen(error) or not file.content.can_change:
            self._drop(file)
            self._closed.add(file.path, self._to_be_tried(file.path, file.content.stat))

    def _to_be_tried(self, path: Path, stat: FileStat) -> ClosedFile:
        return ClosedFile(stat=stat, pending=path != self._path, failed=True)

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
                self._closed.add(file.path, ClosedFile(stat=file.content.stat, checkpoint=file.checkpoint))
            else:
                self.must_list = True

    def _follow_renames(self, found: Sequence[Candidate]) -> Iterator[Noticed]:
        open_files = {file.identity: file for file in self.open}
        for candidate in found:
            file = open_files.get(candidate.stat.identity)
            if file is not None and file.path != candidate.path:
                file.move_to(candidate.path)
                file.checkpoint.at_path |= candidate.path == self._path
                yield CHECKPOINTS_CHANGED

    def _new(self, found: Sequence[Candidate], unseen: Container[Path]) -> list[Candidate]:
        """Return the files that are not open, and not closed and unchanged; forget closed ones that are gone."""
        paths = {candidate.path for candidate in found}
        open_files = {file.identity for file in self.open}
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
            opened.sort(key=lambda pair: (pair[0].path == self._path, by_age(pair[1])))
            while opened:
                self._shared.step("opened")
                yield self._start_reading(*opened.pop(0))
        finally:
            for _, content in opened:
                close(content)
        self.open.sort(key=lambda file: file.path == self._path)

    def _close(self, candidate: Candidate, file: ClosedFile) -> None:
        self._closed.add(candidate.path, file)
        if not file.failed:
            self._failures.clear(candidate.stat.identity)

    def _start_reading(self, candidate: Candidate, content: Content) -> Noticed:
        """Read the file from its checkpoint on, unless it is a copy."""
        path = candidate.path
        try:
            assigned = self._checkpoints.assign(content, self.open, at_path=path == self._path)
        except OSError as error:
            close(content)
            self._failures.add(candidate.stat.identity, path, error)
            self._closed.add(path, self._to_be_tried(path, candidate.stat))
            return Noticed()
        if assigned is None:
            close(content)
            self._close(candidate, ClosedFile(stat=candidate.stat, is_copy=True))
            return Noticed()
        if assigned.replaces is not None:
            self._drop(assigned.replaces)
        assigned.checkpoint.at_path |= path == self._path
        file = OpenFile(path, content, assigned.checkpoint)
        self._failures.try_now(file.identity)
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
        self._closed.add(file.path, ClosedFile(stat=stat, checkpoint=file.checkpoint))
        self._drop(file)
        # Whether copies hold more can be decided now that their original is complete.
        self.must_list |= self._closed.drop_copies()
        yield CHECKPOINTS_CHANGED

    def _drop(self, file: OpenFile) -> None:
        self._shared.descriptors.close(file)
        self.open.remove(file)
