"""Rotate event files as logrotate does, without waiting for the next second."""

import gzip
import os
import shutil
from pathlib import Path


def rotate(events: Path) -> Path:
    """Rename the file and its numbered siblings, highest number first; return the newest rotated file."""
    make_room(events)
    newest = events.with_name(f"{events.name}.1")
    if events.exists():
        events.rename(newest)
    return newest


def copytruncate(events: Path) -> Path:
    """Copy the file to its newest sibling and truncate it in place; return the copy."""
    make_room(events)
    copy = events.with_name(f"{events.name}.1")
    shutil.copy(events, copy)
    os.truncate(events, 0)
    return copy


def make_room(events: Path) -> None:
    for number in range(99, 0, -1):
        for suffix in ("", ".gz"):
            older = events.with_name(f"{events.name}.{number}{suffix}")
            if older.exists():
                older.rename(events.with_name(f"{events.name}.{number + 1}{suffix}"))


def compress(path: Path, members: int = 1) -> Path:
    """Replace the file by its compressed twin."""
    content = path.read_bytes()
    size = len(content) // members + 1
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(
        b"".join(gzip.compress(content[at : at + size]) for at in range(0, len(content), size))
    )
    path.unlink()
    return packed
