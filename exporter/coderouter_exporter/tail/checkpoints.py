"""Checkpoints of one path: the offset in each of its files, assigned to files by content."""

import time
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import NamedTuple

from coderouter_exporter.names import kept, path_of
from coderouter_exporter.records.age import FirstEvent, first_event
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.state.order import is_suspect
from coderouter_exporter.tail.content import Content
from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX, Match, match
from coderouter_exporter.tail.gone import Timer
from coderouter_exporter.tail.open_file import OpenFile
from coderouter_exporter.tail.rotated import FileStat

GONE_KEPT = 64
"""Checkpoints kept of finished files that are gone. Such a file may come back, compressed or as a copy."""


class Assignment(NamedTuple):
    """The checkpoint of a file that is to be read."""

    checkpoint: Checkpoint
    replaces: OpenFile | None = None
    """The open file that had this checkpoint until now, and which the new one continues."""


class Checkpoints:
    """The checkpoints of the files of one path, open or closed. They are part of the committed state."""

    def __init__(self, path: Path, entries: list[Checkpoint]) -> None:
        self.entries = entries
        self._path = kept(path)

    def assign(self, content: Content, open_files: Sequence[OpenFile], *, at_path: bool) -> Assignment | None:
        """Return the file's checkpoint, or None when the file is a copy and must not be read."""
        how, checkpoint = self._best_match(content)
        if checkpoint is None:
            is_copy = not at_path and any(_begins_like(content, file) for file in open_files)
            new = Checkpoint(path=self._path, inode=content.stat.inode)
            return None if is_copy else Assignment(self._added(new))
        holder = next((file for file in open_files if file.checkpoint is checkpoint), None)
        if how is Match.SAME and holder is None:
            return Assignment(checkpoint)
        if not at_path:
            if holder is None:
                # A copy that ends before what was read: its original was truncated and gets no more lines.
                checkpoint.finished = True
            return None
        if how is Match.SHORTER:
            return Assignment(self._shortened(checkpoint, content, keep=holder is not None))
        return Assignment(checkpoint, replaces=holder)

    def finished_archive(self, packed_digest: bytes) -> Checkpoint | None:
        """Return the checkpoint of a compressed file that need not be unpacked again, by its content."""
        for entry in self.entries:
            if entry.compressed and entry.finished and entry.packed_digest == packed_digest:
                return entry
        return None

    def refuse(self, stat: FileStat, packed_digest: bytes, reason: str) -> Checkpoint:
        """Add a checkpoint that keeps this compressed file from being read."""
        return self._added(
            Checkpoint(
                path=self._path,
                inode=stat.inode,
                packed_digest=packed_digest,
                refused=reason,
                compressed=True,
                finished=True,
            )
        )

    def restart(self, file: OpenFile) -> None:
        """Give a truncated file a new checkpoint. The old one stays for the copy that may hold the rest."""
        if not file.checkpoint.offset:
            self.entries.remove(file.checkpoint)
        self._added(file.restart())

    def finish(self, file: OpenFile) -> None:
        """Mark the file as read to its end and not expected to grow."""
        file.checkpoint.finished = True
        file.checkpoint.size = file.content.stat.size
        file.checkpoint.packed_digest = file.content.packed_digest

    def unfinished_paths(self) -> list[Path]:
        """Return where files that may still hold unread lines were seen last."""
        return [path_of(entry.last_path) for entry in self.entries if entry.last_path and not entry.finished]

    def unmatched(self, existing: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Return the checkpoints of files that disappeared before they were known to be read to their end.

        `existing` are the checkpoints of the files that are there.
        """
        ids = set(map(id, existing))
        return [
            entry for entry in self.entries if id(entry) not in ids and not entry.finished and entry.offset
        ]

    def forget_gone(self, existing: Sequence[Checkpoint]) -> None:
        """Drop checkpoints of files that are gone: those with nothing read, and all but the newest finished ones."""
        ids = set(map(id, existing))
        for entry in [e for e in self.entries if not e.head_bytes and not e.compressed and id(e) not in ids]:
            self.entries.remove(entry)
        gone = [entry for entry in self.entries if entry.finished and id(entry) not in ids]
        for entry in gone[:-GONE_KEPT]:
            self.entries.remove(entry)

    def forget_long_gone(
        self, existing: Sequence[Checkpoint], timer: Timer, elapsed_s: float
    ) -> list[Checkpoint]:
        """Drop the checkpoints of files that have been gone for long, and return them."""
        ids = set(map(id, existing))
        over = [e for e in self.entries if timer.is_over(e, elapsed_s, exists=id(e) in ids)]
        for entry in over:
            self.entries.remove(entry)
        return over

    def _best_match(self, content: Content) -> tuple[Match, Checkpoint | None]:
        """Return the best match; of equal ones that with the file's inode, then that with the highest offset."""
        best: tuple[Match, bool, int] = (Match.NONE, False, 0)
        found = None
        for entry in self.entries:
            how = match(content, entry)
            rank = (how, entry.inode == content.stat.inode, entry.offset)
            if how and rank > best:
                best, found = rank, entry
        return best[0], found

    def _shortened(self, checkpoint: Checkpoint, content: Content, *, keep: bool) -> Checkpoint:
        """Return a checkpoint at the end of a file that lacks the end of what was read of it."""
        if not keep:
            self.entries.remove(checkpoint)
        shorter = copy(checkpoint)
        shorter.offset = content.size
        shorter.tail_bytes = 0
        shorter.finished = False
        return self._added(shorter)

    def _added(self, checkpoint: Checkpoint) -> Checkpoint:
        self.entries.append(checkpoint)
        return checkpoint


def first_event_of(content: Content) -> FirstEvent:
    now_ts = time.time()
    try:
        head = content.bytes_at(0, HEAD_BYTES_MAX)
    except OSError:
        head = b""  # reading it will report the error
    return first_event(head, content.stat.modified_ns / 1e9, lambda ts: is_suspect(ts, now_ts))


def _begins_like(content: Content, file: OpenFile) -> bool:
    """Return whether the content is a copy of the open file, or one that is still being made."""
    length = min(content.size, HEAD_BYTES_MAX)
    return (
        length > 0
        and not file.closed
        and content.size <= file.content.size
        and content.bytes_at(0, length) == file.content.bytes_at(0, length)
    )
