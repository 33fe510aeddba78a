"""Names of files as text. A name is bytes, and need not be UTF-8."""

import os
from pathlib import Path

_BYTES = "\0"
"""Begins what is kept of a name that is not UTF-8; no name contains it."""


def kept(path: Path) -> str:
    """Return the path as text that can be kept in the state; `path_of` reverses it."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _BYTES + os.fsencode(text).decode("latin-1")
    return text


def path_of(text: str) -> Path:
    if text.startswith(_BYTES):
        return Path(os.fsdecode(text.removeprefix(_BYTES).encode("latin-1")))
    return Path(text)


def shown(path: Path) -> str:
    """Return the path as text that can be shown: what cannot be printed is escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def real_path(path: Path) -> Path:
    """Return the path without symlinks, or as it is if that cannot be known."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path
