"""One file being read: how far, what proves that the offset is still in it, and how many may be open at once."""

import time
from collections import OrderedDict
from pathlib import Path

from coderouter_exporter.records.decode import READ_BYTES_MAX, Chunk, cut
from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.content import HEAD_BYTES_MAX, MARKER_BYTES, Content, Plain, Step, digest
from coderouter_exporter.tail.rotated import FRESH_NS


class OpenFile:
    """A file and the position in it. The position moves with each read."""

    def __init__(self, place: Path, content: Content, position: Checkpoint) -> None:
        self.place = place
        self.content = content
        self.position = position
        self.closed = False
        self.idle = False
        """What was written before the last look has been read, as far as its lines are whole."""
        self.cut = False
        """What had been read is no longer there: the file was cut, or written anew in place."""
        self.superseded = False
        """Another file took over the position."""
        age_s = time.time() - content.signature.modified_ns / 1e9
        self.grown_at = time.monotonic() - max(0.0, age_s)
        self.was_read = position.offset >= content.size
        """There was nothing left to read when it was opened."""
        self.partial_known = position.finished and position.size == content.signature.size
        """It was finished before, so that a half line at its end has been counted as one."""
        self._settled = False
        position.inode = content.signature.inode
        position.place = str(place.resolve())  # a symlink may lead elsewhere by the next start
        position.packed = not content.changes

    @property
    def identity(self) -> tuple[int, int]:
        return self.content.signature.identity

    @property
    def bytes_behind(self) -> int:
        return max(0, self.content.size - self.position.offset)

    def look(self) -> None:
        """Note growth, and whether the file was cut."""
        if not isinstance(self.content, Plain) or self.closed:
            return
        before = self.content.signature
        info = self.content.look()
        if self.content.size != before.size:
            self.grown_at = time.monotonic()
        changed = self.content.signature != before
        self.idle = self.idle and not changed
        if self.content.size < self.position.offset:
            self.cut = True
        elif (changed or not self._settled) and self.content.size == self.position.offset:
            self.cut = self._proof() is None
        self._settled = time.time_ns() - info.st_mtime_ns > FRESH_NS

    def read(self, step: Step) -> Chunk | None:
        """Return the next whole lines, or None while there are none or the file was cut; the position moves."""
        position = self.position
        length = min(READ_BYTES_MAX, self.content.size - position.offset)
        if length <= 0:
            return None
        data = self.content.bytes_at(position.offset, length)
        step("read")
        # After the read: had the file been cut in between, these would be other lines at the old offset.
        proof = self._proof()
        if proof is None or not self._holds(data):
            self.cut = self.content.changes
            return None
        chunk, position.skipping = cut(data, skipping=position.skipping)
        if not chunk.bytes_read:
            return None
        self._move(chunk.bytes_read, proof, data)
        return chunk

    def begin_anew(self) -> Checkpoint:
        """Set a new position at the beginning and return it; the old one is that of what the file held before."""
        self.position = Checkpoint(
            path=self.position.path, inode=self.content.signature.inode, place=self.position.place
        )
        self.cut = False
        self.idle = False
        return self.position

    def close(self) -> None:
        if not self.closed:
            self.content.close()
        self.closed = True

    def _proof(self) -> tuple[bytes, bytes] | None:
        """Return the head and the bytes before the offset, or None when they are not those that were read."""
        position = self.position
        head = self.content.bytes_at(0, position.head_bytes)
        marker = self.content.bytes_at(position.offset - position.marker_bytes, position.marker_bytes)
        if position.head_bytes and digest(head) != position.head_digest:
            return None
        if position.marker_bytes and digest(marker) != position.marker_digest:
            return None
        return head, marker

    def _holds(self, data: bytes) -> bool:
        """Return whether the file still begins with what was read, when that was its beginning."""
        offset = self.position.offset
        begin = data[: max(0, HEAD_BYTES_MAX - offset)]
        return not begin or self.content.bytes_at(offset, len(begin)) == begin

    def _move(self, length: int, proof: tuple[bytes, bytes], data: bytes) -> None:
        position = self.position
        head, marker = proof
        if position.head_bytes < HEAD_BYTES_MAX:
            head = (head + data[:length])[:HEAD_BYTES_MAX]
            position.head_bytes = len(head)
            position.head_digest = digest(head)
        marker = (marker + data[max(0, length - MARKER_BYTES) : length])[-MARKER_BYTES:]
        position.marker_bytes = len(marker)
        position.marker_digest = digest(marker)
        position.offset += length
        position.finished = False
        self.partial_known = False


class Descriptors:
    """Bounds how many files are open; the one that was not read for longest is closed first, and opened again
    when it grows."""

    def __init__(self, limit: int) -> None:
        self._limit = max(2, limit)
        self._used: OrderedDict[OpenFile, None] = OrderedDict()

    def use(self, file: OpenFile) -> None:
        self._used[file] = None
        self._used.move_to_end(file)
        while len(self._used) > self._limit:
            oldest, _ = self._used.popitem(last=False)
            oldest.close()

    def close(self, file: OpenFile) -> None:
        self._used.pop(file, None)
        file.close()
