"""Counts closed files, to which nothing is written any more, from the first line to the last."""

import time
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path

from coderouter_exporter.fold.fold import fold
from coderouter_exporter.offline.order import UNREADABLE, cannot_read, oldest_first, open_log
from coderouter_exporter.records.decode import READ_BYTES_MAX, Chunk, cut
from coderouter_exporter.state.state import SERIES_MAX, State


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
    for path in oldest_first(paths):
        try:
            with open_log(path) as stream:
                yield from _chunks(stream)
        except UNREADABLE as error:
            raise cannot_read(path, error) from error


def _chunks(stream: BufferedIOBase) -> Iterator[Chunk]:
    rest = b""
    skipping = False
    while block := stream.read(READ_BYTES_MAX - len(rest)):
        data = rest + block
        chunk, skipping = cut(data, skipping=skipping)
        rest = data[chunk.bytes_read :]
        yield chunk
