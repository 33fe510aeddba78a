"""An open event file with its checkpoint, and a limit on open files."""

import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from coderouter_exporter.names import kept, real_path
from coderouter_exporter.records.decode import READ_BYTES_MAX, Chunk, cut
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.content import Content, Plain, Step, close
from coderouter_exporter.tail.fingerprint import HEAD_BYTES_MAX, advance, verify
from coderouter_exporter.tail.rotated import FRESH_NS, Identity, stat_of


class OpenFile:
    """A file and the checkpoint up to which it has been read. Each read moves the checkpoint."""

    def __init__(self, path: Path, content: Content, checkpoint: Checkpoint) -> None:
        self.path = path
        """Where the file is now."""
        self.content = content
        self.checkpoint = checkpoint
        self.closed = False
        self.idle = False
        """Every whole line that was there at the last poll has been read."""
        self.truncated = False
        """What had been read is no longer there: the file was truncated or rewritten in place."""
        age_s = time.time() - content.stat.modified_ns / 1e9
        self.grew_at = time.monotonic() - max(0.0, age_s)
        self.was_read_before = checkpoint.offset >= content.size
        """There was nothing left to read when it was opened."""
        self.partial_is_counted = checkpoint.finished and checkpoint.size == content.stat.size
        """It was finished before, so half a line at its end has been counted as partial."""
        self._must_verify = True
        """It may have changed without its metadata showing it."""
        checkpoint.inode = content.stat.inode
        checkpoint.last_path = kept(real_path(path))  # a symlink may point elsewhere by the next start
        checkpoint.compressed = not content.can_change

    @property
    def identity(self) -> Identity:
        return self.content.stat.identity

    @property
    def bytes_behind(self) -> int:
        return max(0, self.content.size - self.checkpoint.offset)

    def exists(self) -> bool:
        """Return whether the file still has a name, wherever that is; once closed, whether it is at its path.

        True if that cannot be known.
        """
        try:
            if self.closed:
                stat = stat_of(self.path)
                return stat is not None and stat.identity == self.identity
            return isinstance(self.content, Plain) and self.content.is_linked()
        except OSError:
            return True

    def move_to(self, path: Path) -> None:
        """Record that the file was renamed."""
        self.path = path
        self.checkpoint.last_path = kept(real_path(path))

    def refresh(self) -> None:
        """Notice growth and truncation.

        Raises one of `READ_ERRORS`.
        """
        if not isinstance(self.content, Plain) or self.closed:
            return
        previous = self.content.stat
        self.content.refresh()
        stat = self.content.stat
        if stat.size != previous.size:
            self.grew_at = time.monotonic()
        changed = stat != previous
        verify_again, self._must_verify = self._must_verify, True
        self.idle = self.idle and not changed
        if stat.size < self.checkpoint.offset:
            self.truncated = True
        elif (changed or verify_again) and stat.size == self.checkpoint.offset:
            self.truncated = verify(self.content, self.checkpoint) is None
        self._must_verify = time.time_ns() - stat.modified_ns <= FRESH_NS

    def read(self, step: Step) -> Chunk | None:
        """Return the next whole lines and move the checkpoint past them.

        None when there are none yet, or when the file was truncated. Raises one of `READ_ERRORS`; the checkpoint
        stays then.
        """
        checkpoint = self.checkpoint
        length = min(READ_BYTES_MAX, self.content.size - checkpoint.offset)
        if length <= 0:
            return None
        data = self.content.bytes_at(checkpoint.offset, length)
        step("read")
        # Verified after the read: a truncation in between would have put other lines at the same offset.
        fingerprint = verify(self.content, checkpoint)
        if fingerprint is None or not self._still_holds(data):
            self.truncated = self.content.can_change
            return None
        chunk, checkpoint.skipping = cut(data, skipping=checkpoint.skipping)
        if not chunk.bytes_read:
            return None
        chunk = replace(chunk, file=checkpoint.number, at_path=checkpoint.at_path)
        advance(checkpoint, fingerprint, data, chunk.bytes_read)
        self.partial_is_counted = False
        return chunk

    def restart(self) -> Checkpoint:
        """Return a new checkpoint at the beginning of the file, and read from there.

        The old one belongs to the content from before the truncation.
        """
        self.checkpoint = Checkpoint(
            path=self.checkpoint.path,
            inode=self.content.stat.inode,
            last_path=self.checkpoint.last_path,
            at_path=self.checkpoint.at_path,
        )
        self.truncated = False
        self.idle = False
        return self.checkpoint

    def close(self) -> None:
        if not self.closed:
            close(self.content)
        self.closed = True

    def _still_holds(self, data: bytes) -> bool:
        """Return whether `data` is still there as far as it lies in the head, which has no digest of it yet."""
        offset = self.checkpoint.offset
        begin = data[: max(0, HEAD_BYTES_MAX - offset)]
        return not begin or self.content.bytes_at(offset, len(begin)) == begin


class Descriptors:
    """Limits how many files are open at once.

    The least recently read one is closed first. It is opened again when it grows.
    """

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
