"""Adds closed files to a state file, by the same loop as a running exporter: totals, requests, days and hours."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from coderouter_events.reasons import reason_of
from coderouter_exporter.engine.counting import Counting
from coderouter_exporter.families.exporter import EVENTS_READ
from coderouter_exporter.names import kept
from coderouter_exporter.offline.order import Source, Sources, UnreadableFile
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.rows import outbox, tables
from coderouter_exporter.rows.pending import REQUESTS_MAX, Pending
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.state.errors import StateUnavailable, unwritable
from coderouter_exporter.state.opening import Opening
from coderouter_exporter.state.state import State
from coderouter_exporter.tail.archive import BadArchive, Compressed
from coderouter_exporter.tail.compression import MAGIC_BYTES_MAX, compression_of
from coderouter_exporter.tail.content import Content, Plain, no_step
from coderouter_exporter.tail.fingerprint import Match, advance, match, verify
from coderouter_exporter.tail.names import is_sibling
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.open_file import OpenFile
from coderouter_exporter.tail.trouble import Trouble


class Added(NamedTuple):
    """What was not in the state before."""

    events: int
    files: int
    """Of which something was read."""


def add_to_state(
    paths: Iterable[Path], state_file: Path, *, series_max: int = SERIES_MAX, requests_max: int = REQUESTS_MAX
) -> Added:
    """Count the files, oldest first, except for what was counted before; the order of `paths` does not matter.

    Raises:
        UnreadableFile: a file cannot be read to its end. The files before it may have been counted.
        StateError, StateUnavailable: the state file cannot be used. Counting again continues where it stopped.
    """
    with closing(Sources(paths)) as sources:
        ordered = sources.oldest_first()
        store, state = Opening(state_file, series_max=series_max, create_tables=tables.create).open()
        with closing(store):
            before = _events(state)
            pending = Pending(requests_max, exports=store.read(outbox.is_on))
            files = ClosedFiles(ordered, state.checkpoints)
            counting = Counting(store, state, lambda *_: files, pending=pending)
            with closing(files):
                _count(counting, state_file)
            after = _events(counting.published.document.decode())
            return Added(after - before, sum(file.was_read for file in files.tails))


def _count(counting: Counting, state_file: Path) -> None:
    for _ in range(2):  # once everything is in the rows, the second pass closes requests that will never end
        counting.run_pass()
        if counting.published.commits_failing:
            raise StateUnavailable(unwritable(state_file, "a commit failed"))
        while counting.build_rows():
            pass


def _events(state: State) -> int:
    return sum(state.totals(EVENTS_READ).values())


class ClosedFiles:
    """The files as `Counting` reads them."""

    def __init__(self, sources: Sequence[Source], checkpoints: Sequence[Checkpoint]) -> None:
        self._known = checkpoints
        paths = [source.path.absolute() for source in sources]
        self.tails: list[ClosedFile] = []
        for source, path in zip(sources, paths, strict=True):
            event_file = next((other for other in paths if _is_rotated(path, other)), path)
            self.tails.append(ClosedFile(source, event_file, checkpoints))

    def expand(self) -> None:
        """Do nothing: no file is added."""

    def troubles(self) -> list[Trouble]:
        return []

    def forget_long_gone(self) -> Noticed:
        return Noticed()

    def checkpoints(self) -> list[Checkpoint]:
        own = [file.checkpoint for file in self.tails if file.checkpoint.offset]
        ids = set(map(id, own))
        return [*(entry for entry in self._known if id(entry) not in ids), *own]

    def close(self) -> None:
        for file in self.tails:
            file.close()


class ClosedFile:
    """A file to which nothing is written any more. It is open while it is read."""

    readable = True
    needs_another_pass = False

    def __init__(self, source: Source, event_file: Path, known: Sequence[Checkpoint]) -> None:
        self.path = source.path.absolute()
        self.checkpoint = Checkpoint(path=kept(event_file), inode=0)
        self.was_read = False
        self._source = source
        self._known = known
        self._file: OpenFile | None = None
        self._done = False

    def poll(self) -> Noticed:
        return Noticed()

    def chunks(self) -> Iterator[Chunk]:
        """Yield what no checkpoint covers.

        Raises:
            UnreadableFile: it cannot be read to its end.
        """
        if self._done:
            return
        try:
            yield from self._chunks()
        except (OSError, BadArchive) as error:
            raise _unreadable(self._source.path, f"cannot be read to its end ({reason_of(error)})") from error
        finally:
            self.close()
        self._done = True

    def close_finished(self) -> Noticed:
        return Noticed(checkpoints_changed=self.was_read)

    def bytes_behind(self) -> int:
        return self._file.bytes_behind if self._file else 0

    def files_pending(self) -> int:
        return 0

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _chunks(self) -> Iterator[Chunk]:
        content = _open(self._source)
        how, found = max(
            ((match(content, entry), entry) for entry in self._known),
            key=lambda pair: (pair[0], pair[1].offset),
            default=(Match.NONE, self.checkpoint),
        )
        if how is Match.SHORTER:
            content.close()  # a copy of the beginning of a file that has been read
            return
        if how is Match.SAME:
            self.checkpoint = found
        file = self._file = OpenFile(self.path, content, self.checkpoint)
        while (chunk := file.read(no_step)) is not None:
            self.was_read = True
            yield chunk
        if (rest := _rest(file)) is not None:
            self.was_read = True
            yield rest
        if file.truncated or file.bytes_behind:
            raise _unreadable(self._source.path, "has changed while it was read")
        self.checkpoint.finished = True
        self.checkpoint.size = content.stat.size
        self.checkpoint.packed_digest = content.packed_digest


def _rest(file: OpenFile) -> Chunk | None:
    """Return the last line, which counts without its newline too, and move the checkpoint to the end."""
    checkpoint, length = file.checkpoint, file.bytes_behind
    fingerprint = verify(file.content, checkpoint)
    if fingerprint is None or not length:
        return None
    data = file.content.bytes_at(checkpoint.offset, length)
    advance(checkpoint, fingerprint, data, length)
    if checkpoint.skipping:
        checkpoint.skipping = False
        return Chunk(b"", length, oversize=1)
    lines = data.lstrip(b"\0")
    chunk = Chunk(lines + b"\n" if lines else b"", length, nul_bytes=length - len(lines))
    return replace(chunk, file=checkpoint.number)


def _open(source: Source) -> Content:
    with source.file.open("rb") as file:
        is_compressed = compression_of(file.read(MAGIC_BYTES_MAX)) is not None
    return Compressed(source.file) if is_compressed else Plain(source.file)


def _is_rotated(path: Path, event_file: Path) -> bool:
    return path.parent == event_file.parent and is_sibling(path.name, event_file)


def _unreadable(path: Path, why: str) -> UnreadableFile:
    return UnreadableFile(f"{path} {why}; files before it are counted, and the next backfill continues here")
