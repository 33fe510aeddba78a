"""Counts closed files, to which nothing is written any more, from the first line to the last."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from coderouter_exporter.fold.fold import fold
from coderouter_exporter.offline.order import UNREADABLE, Source, Sources, cannot_read
from coderouter_exporter.records.decode import Chunk, cut
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.state import State


def fold_files(paths: Iterable[Path], series_max: int = SERIES_MAX) -> State:
    """Return the totals of the files; `series_max` as in `State`.

    Raises:
        UnreadableFile: a file cannot be read to its end.
    """
    state = State(created_ts=0.0, series_max=series_max)
    for chunk in chunks(paths):
        fold(state, chunk, time.time())
    return state


def chunks(paths: Iterable[Path]) -> Iterator[Chunk]:
    """Yield the content of the files, oldest file first and without copies; the order of `paths` does not matter.

    Raises:
        UnreadableFile: a file cannot be read to its end.
    """
    sources = Sources(paths)
    try:
        for source in sources.oldest_first():
            try:
                yield from whole_lines(source)
            except UNREADABLE as error:
                raise cannot_read(source.path, error) from error
    finally:
        sources.close()


def whole_lines(source: Source) -> Iterator[Chunk]:
    """Yield the whole lines of a file. The last one counts without its newline too: nothing is added to it any more.

    Raises:
        OSError, Damaged, UnreadableFile: as `Source.blocks`.
    """
    rest = b""
    skipping = False
    for block in source.blocks():
        data = rest + block
        while data:
            chunk, skipping = cut(data, skipping=skipping)
            if not chunk.bytes_read:
                break
            yield chunk
            data = data[chunk.bytes_read :]
        rest = data
    if skipping:
        yield Chunk(b"", 0, oversize=1)
    elif rest:
        lines = rest.lstrip(b"\0")
        yield Chunk(lines + b"\n" if lines else b"", len(rest), nul_bytes=len(rest) - len(lines))
