"""Reads one path as one endless series of lines, across renames, copies, compression, restarts and absence.

Which file is which is told by its content, not by its name or inode. A rotated file is read to its end, and for a
while longer, because the writer may still hold it; after that it is looked at as long as it exists.
"""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from coderouter_exporter.families.exporter import COMPRESSED_FILES, LINES, ROTATIONS, UNMATCHED
from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.state import Checkpoint, Labels
from coderouter_exporter.tail.checkpoints import Checkpoints, by_age
from coderouter_exporter.tail.content import (
    ArchiveError,
    BadArchive,
    Compressed,
    Content,
    Plain,
    Step,
    no_step,
)
from coderouter_exporter.tail.open_file import Descriptors, OpenFile
from coderouter_exporter.tail.rotated import (
    GZIP,
    Candidate,
    FileStat,
    Folders,
    Listing,
    RotationGroup,
    stat_of,
)

LATE_WRITER_S = 60.0
"""How long a rotated file is kept open after its last growth, for a writer that has not noticed the rotation."""
LISTINGS_MAX = 5
OPEN_MAX = 128
OPENED_AT_ONCE = 32

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What the tails of one exporter have in common."""

    olddir: Path | None = None
    is_source: Callable[[Path], bool] = lambda _: False
    """Whether the path is an event file of its own, and so no sibling of another."""
    folders: Folders = field(default_factory=Folders)
    descriptors: Descriptors = field(default_factory=lambda: Descriptors(OPEN_MAX))
    step: Step = no_step
    late_writer_s: float = LATE_WRITER_S


@dataclass(frozen=True, kw_only=True)
class ClosedFile:
    """A file that is not open: there is nothing to do with it until its metadata change."""

    signature: FileStat
    position: Checkpoint | None = None
    pending: bool = False
    """It cannot be read yet, though it may hold lines."""
    copy: bool = False
    """It is a copy of one that is open."""


class Tail:
    """One configured path: the file there now, and older ones."""

    def __init__(self, path: Path, positions: list[Checkpoint], shared: Shared | None = None) -> None:
        self.path = path
        self.readable: bool | None = None
        """Whether the file was there and could be opened at the last look; None before the first."""
        self.noted: list[tuple[Counter, Labels]] = []
        """What happened since this was emptied, to be counted."""
        self.changed = False
        """Whether the positions did since this was set to False, other than by reading."""
        self._shared = shared or Shared()
        self._checkpoints = Checkpoints(path, positions)
        self._family = RotationGroup(path, self._shared.olddir, self._shared.is_source)
        self._open: list[OpenFile] = []
        """Oldest first; the one at the path is the last."""
        self._settled: dict[Path, ClosedFile] = {}
        self._listings: dict[Path, Listing] = {}
        self._listed = False
        self._waiting = False
        """There were more files than are opened at once."""
        self._is_there: tuple[int, int] | None = None
        """Device and inode of the file at the path, if there was one at the last look."""
        self._active: tuple[int, int] | None = None
        """Device and inode of the file that was last at the path."""

    def look(self) -> None:
        """Notice what was created, renamed, copied, compressed, cut or removed."""
        for file in self._open:
            file.look()
        self._drop_closed()
        for file in self._open:
            if file.cut:
                self._begin_anew(file)
        active = stat_of(self.path)
        if self._must_list(active):
            self._list()
        self._note_readable(active)
        self._is_there = active.identity if active else None
        self._close_done()

    def chunks(self) -> Iterator[Chunk]:
        """Yield what had been written before the last look, oldest file first."""
        for file in list(self._open):
            if file.closed or file.idle:
                continue
            self._shared.descriptors.use(file)
            while (chunk := file.read(self._shared.step)) is not None:
                yield chunk
            file.idle = not file.cut
        self._close_done()

    @property
    def positions(self) -> list[Checkpoint]:
        """Of all files of this path, open or not; the state keeps them."""
        return self._checkpoints.positions

    @property
    def unsettled(self) -> bool:
        """Whether another look is due at once: a file was cut while it was read, or more wait to be opened."""
        return self._waiting or any(file.cut for file in self._open)

    def bytes_behind(self) -> int:
        return sum(file.bytes_behind for file in self._open)

    def files_pending(self) -> int:
        unread = [file for file in self._open if file.bytes_behind and file.identity != self._active]
        return len(unread) + sum(settled.pending for settled in self._settled.values())

    def close(self) -> None:
        for file in self._open:
            self._shared.descriptors.close(file)
        self._open.clear()

    def _must_list(self, active: FileStat | None) -> bool:
        if not self._listed or self._waiting or (active is not None and not self._knows(active)):
            return True
        if self._list_folders() != self._listings:
            return True
        return any(stat_of(place) != settled.signature for place, settled in self._settled.items())

    def _knows(self, active: FileStat) -> bool:
        settled = self._settled.get(self.path)
        return (settled is not None and settled.signature == active) or any(
            file.identity == active.identity for file in self._open
        )

    def _list_folders(self) -> dict[Path, Listing]:
        return {folder: self._shared.folders.listing(folder) for folder in self._family.folders()}

    def _list(self) -> None:
        """Take up all files there are; once more when a rename was under way and one may have been missed."""
        self._listed = False
        found: list[Candidate] = []
        for _ in range(LISTINGS_MAX):
            self._listings = self._list_folders()
            found = self._candidates()
            self._take(found)
            if _names(found) == _names(self._candidates()):
                self._listed = True
                break
        active = next((candidate for candidate in found if candidate.place == self.path), None)
        self._note_readable(active.signature if active else None)
        if active is not None:
            self._note_rotation(active.signature.identity)
        if self._listed and not self._waiting:
            self._forget_gone()

    def _candidates(self) -> list[Candidate]:
        elsewhere = [Path(p.place) for p in self.positions if p.place and not p.finished]
        return self._family.candidates(self._shared.folders, elsewhere)

    def _take(self, found: list[Candidate]) -> None:
        """Open what is new among the files, and settle what need not be open."""
        fresh: list[tuple[Candidate, Content]] = []
        try:
            self._open_new(found, fresh)
            self._waiting = len(fresh) == OPENED_AT_ONCE
            fresh.sort(key=lambda pair: (pair[0].place == self.path, by_age(pair[1])))
            while fresh:
                self._shared.step("opened")
                self._adopt(*fresh.pop(0))
        finally:
            for _, content in fresh:
                content.close()
        self._open.sort(key=lambda file: file.place == self.path)

    def _open_new(self, found: list[Candidate], fresh: list[tuple[Candidate, Content]]) -> None:
        """Add to `fresh` the files that are not known, opened."""
        opened = {file.identity: file for file in self._open}
        known = self._settled
        self._settled = {}
        places = {candidate.place for candidate in found}
        for candidate in found:
            place, signature = candidate.place, candidate.signature
            if (file := opened.get(signature.identity)) is not None:
                if file.place != place:
                    file.place = place
                    file.position.place = str(place.resolve())
                    self.changed = True
            elif place in known and known[place].signature == signature:
                self._settled[place] = known[place]
            elif candidate.compression and place.with_suffix("") in places:
                pass  # it is being made of its plain twin, which is read instead
            elif len(fresh) < OPENED_AT_ONCE and (content := self._opened(candidate)) is not None:
                fresh.append((candidate, content))

    def _opened(self, candidate: Candidate) -> Content | None:
        """Open the file, or settle why it is not read."""
        place, signature = candidate.place, candidate.signature
        packed = bool(candidate.compression) and place != self.path
        if packed and (done := self._checkpoints.finished_packed(signature)) is not None:
            self._settled[place] = ClosedFile(signature=signature, position=done)
            return None
        if packed and candidate.compression != GZIP:
            self._refuse(candidate, "unsupported")
            return None
        try:
            return Compressed(place, self._shared.step) if packed else Plain(place)
        except OSError:
            self._settled[place] = ClosedFile(signature=signature, pending=place != self.path)
        except BadArchive as unpackable:
            if unpackable.fault is ArchiveError.INCOMPLETE:
                self._settled[place] = ClosedFile(signature=signature, pending=True)
            else:
                self._refuse(candidate, unpackable.fault.value)
        return None

    def _refuse(self, candidate: Candidate, result: str) -> None:
        """Settle for good that a compressed file is not read."""
        log.warning("%s is not read: %s", candidate.place, result.replace("_", " "))
        self.noted.append((COMPRESSED_FILES, (result,)))
        self.changed = True
        position = self._checkpoints.refuse(candidate.signature)
        self._settled[candidate.place] = ClosedFile(signature=candidate.signature, position=position)

    def _adopt(self, candidate: Candidate, content: Content) -> None:
        place = candidate.place
        position = self._checkpoints.position_of(content, self._open, at_path=place == self.path)
        if position is None:
            content.close()
            self._settled[place] = ClosedFile(signature=candidate.signature, copy=True)
            return
        for file in [file for file in self._open if file.superseded]:
            self._leave(file)
        file = OpenFile(place, content, position)
        self.changed = True
        self._open.append(file)
        self._shared.descriptors.use(file)

    def _leave(self, file: OpenFile) -> None:
        self._shared.descriptors.close(file)
        self._open.remove(file)

    def _begin_anew(self, file: OpenFile) -> None:
        """Read the file from its beginning; the rest of what it held may be in a copy."""
        self._checkpoints.begin_anew(file)
        self.changed = True
        self.noted.append((ROTATIONS, ("copytruncate",)))
        self._settled.clear()
        self._listed = False

    def _drop_closed(self) -> None:
        """Settle the files whose descriptors were needed elsewhere."""
        for file in [file for file in self._open if file.closed]:
            self._open.remove(file)
            if file.idle:
                self._settled[file.place] = ClosedFile(
                    signature=file.content.signature, position=file.position
                )
            else:
                self._listed = False

    def _close_done(self) -> None:
        """Close rotated files that have been read to their end and have not grown for a while."""
        for file in [file for file in self._open if file.idle and file.identity != self._is_there]:
            if not file.content.changes or monotonic() - file.grown_at > self._shared.late_writer_s:
                self._finish(file)
            elif not file.bytes_behind and not file.position.finished:
                self._checkpoints.finish(file)
                self.changed = True

    def _finish(self, file: OpenFile) -> None:
        signature = file.content.signature
        if file.bytes_behind and not file.partial_known:
            self.noted.append((LINES, ("partial",)))
        if not file.content.changes:
            self.noted.append((COMPRESSED_FILES, ("known" if file.was_read else "read",)))
        self._checkpoints.finish(file)
        self.changed = True
        self._settled[file.place] = ClosedFile(signature=signature, position=file.position)
        self._leave(file)
        for place in [place for place, settled in self._settled.items() if settled.copy]:
            del self._settled[place]  # it can now be told for good whether the copy holds more
            self._listed = False

    def _note_rotation(self, identity: tuple[int, int]) -> None:
        """Notice whether another file is at the path than before."""
        before, self._active = self._active, identity
        if before in (None, identity):
            return
        left = next((file for file in self._open if file.identity == before), None)
        if self.path.is_symlink():
            kind = "symlink"
        elif left is not None and isinstance(left.content, Plain) and os.fstat(left.content.fd).st_nlink:
            kind = "rename"
        else:
            kind = "recreate"
        self.noted.append((ROTATIONS, (kind,)))

    def _forget_gone(self) -> None:
        """Count the files that are gone before they were known to be read; but not while one may yet turn up."""
        settled = self._settled.values()
        held = [file.position for file in self._open] + [
            s.position for s in settled if s.position is not None
        ]
        if self.readable and not any(s.pending for s in settled):
            for position in self._checkpoints.unmatched(held):
                position.finished = True
                self.noted.append((UNMATCHED, ()))
        self._checkpoints.forget_gone(held)

    def _note_readable(self, active: FileStat | None) -> None:
        readable = active is not None and any(file.identity == active.identity for file in self._open)
        settled = self._settled.get(self.path)
        readable = readable or (settled is not None and settled.position is not None)
        if readable is not self.readable:
            if readable:
                log.info("reading %s", self.path)
            else:
                reason = "it is not there" if active is None else "permission denied"
                log.warning("cannot read %s (%s); waiting for it", self.path, reason)
        self.readable = readable


def _names(found: list[Candidate]) -> list[tuple[Path, tuple[int, int]]]:
    return [(candidate.place, candidate.signature.identity) for candidate in found]
