"""Remembers which files there were and how far each was read, and tells by its content which one a file is."""

import re
from collections.abc import Sequence
from copy import copy
from pathlib import Path

from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.content import HEAD_BYTES_MAX, Content, Match, match_of
from coderouter_exporter.tail.open_file import OpenFile
from coderouter_exporter.tail.rotated import FileStat

GONE_KEPT = 64
"""Positions kept of finished files that are gone; one may come back, compressed or copied."""

_FIRST_TS = re.compile(rb'"ts": ?"([^"]*)"')


class Checkpoints:
    """The positions of the files of one path, open or not; the state keeps them."""

    def __init__(self, path: Path, positions: list[Checkpoint]) -> None:
        self.positions = positions
        self._path = str(path)

    def position_of(
        self, content: Content, followed: Sequence[OpenFile], *, at_path: bool
    ) -> Checkpoint | None:
        """Return the position from which to read the file, or None when it is a copy and nothing is to be read.

        When a file at the path goes on where another one stands, that one is marked as superseded.
        """
        like, position = self._best_match(content)
        if position is None:
            is_copy = not at_path and any(_begins_like(content, file) for file in followed)
            return (
                None if is_copy else self._added(Checkpoint(path=self._path, inode=content.signature.inode))
            )
        holder = next((file for file in followed if file.position is position), None)
        if like is Match.SAME and holder is None:
            return position
        if not at_path:
            if holder is None:
                position.finished = (
                    True  # a copy that ends before what was read: its file was cut, no more comes
                )
            return None
        if like is Match.SHORTER:
            return self._shortened(position, content, keep=holder is not None)
        if holder is not None:
            holder.superseded = True
        return position

    def finished_packed(self, signature: FileStat) -> Checkpoint | None:
        """Return the position of a compressed file that is done with; told without unpacking it again."""
        for position in self.positions:
            same_file = position.inode == signature.inode and position.size == signature.size
            if position.packed and position.finished and same_file:
                return position
        return None

    def refuse(self, signature: FileStat) -> Checkpoint:
        """Remember that this compressed file is never read."""
        return self._added(
            Checkpoint(
                path=self._path, inode=signature.inode, size=signature.size, packed=True, finished=True
            )
        )

    def begin_anew(self, file: OpenFile) -> None:
        """Give the file that was cut a new position; the old one is that of a copy, if there is one."""
        if not file.position.offset:
            self.positions.remove(file.position)
        self._added(file.begin_anew())

    def finish(self, file: OpenFile) -> None:
        """Note that the file was read to its end and is not expected to grow."""
        position = file.position
        position.finished = True
        position.size = file.content.signature.size

    def unmatched(self, held: Sequence[Checkpoint]) -> list[Checkpoint]:
        """Return the positions of files that are gone before they were known to be read to their end."""
        ids = set(map(id, held))
        left = [p for p in self.positions if id(p) not in ids and not p.finished]
        return [position for position in left if position.offset]

    def forget_gone(self, held: Sequence[Checkpoint]) -> None:
        """Keep few positions of finished files that no longer exist, and none of which nothing was read."""
        ids = set(map(id, held))
        for position in [p for p in self.positions if not p.head_bytes and not p.packed and id(p) not in ids]:
            self.positions.remove(position)
        gone = [p for p in self.positions if p.finished and id(p) not in ids]
        for position in gone[:-GONE_KEPT]:
            self.positions.remove(position)

    def _best_match(self, content: Content) -> tuple[Match, Checkpoint | None]:
        """Return the position that the file fits best; of two, the one with its inode, then the one further on."""
        best: tuple[Match, bool, int] = (Match.NONE, False, 0)
        found = None
        for position in self.positions:
            like = match_of(content, position)
            rank = (like, position.inode == content.signature.inode, position.offset)
            if like and rank > best:
                best, found = rank, position
        return best[0], found

    def _shortened(self, position: Checkpoint, content: Content, *, keep: bool) -> Checkpoint:
        """Return the position at the end of a file that lacks the end of what was read of it."""
        if not keep:
            self.positions.remove(position)
        shorter = copy(position)
        shorter.offset = content.size
        shorter.marker_bytes = 0
        shorter.finished = False
        return self._added(shorter)

    def _added(self, position: Checkpoint) -> Checkpoint:
        self.positions.append(position)
        return position


def by_age(content: Content) -> tuple[str, int]:
    """Return a sort key that puts the file written first in front."""
    found = _FIRST_TS.search(content.bytes_at(0, HEAD_BYTES_MAX))
    return found[1].decode(errors="replace") if found else "", content.signature.modified_ns


def _begins_like(content: Content, file: OpenFile) -> bool:
    """Return whether it is a copy of the file, or one that is still being made; that one is read itself."""
    length = min(content.size, HEAD_BYTES_MAX)
    return (
        length > 0
        and content.size <= file.content.size
        and content.bytes_at(0, length) == file.content.bytes_at(0, length)
    )
