"""Distinguishes a rotated file from the event file of another proxy that only has such a name."""

import re
from collections.abc import Callable

from coderouter_exporter.tail.open_file import OpenFile

SEARCHED_BYTES = 1024
_WRITER = re.compile(rb'"writer": ?"([^"]*)"')


def is_written_under_its_name(file: OpenFile, is_our_writer: Callable[[str], bool]) -> bool:
    """Return whether the file grows though it was never at the configured path, and was read to its end before.

    It is ours nevertheless if the one who writes to it also writes to our event file: then it has not noticed the
    rotation yet. Lines without a writer prove neither, and are unproven anyway.
    """
    checkpoint = file.checkpoint
    if checkpoint.at_path or not (checkpoint.finished or checkpoint.grows):
        return False
    if not file.bytes_behind:
        return checkpoint.grows
    found = _WRITER.search(file.content.bytes_at(checkpoint.offset, SEARCHED_BYTES))
    return found is not None and not is_our_writer(found[1].decode(errors="replace"))
