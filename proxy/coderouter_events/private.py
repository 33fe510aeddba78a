"""Modes of files and folders: below a user's home only that user has access, elsewhere the administrator decides."""

import os
from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def is_in_home(path: Path) -> bool:
    """Return whether the path is below the home of the user who runs this; a home of `/` is none."""
    try:
        home = Path.home()
    except RuntimeError:  # the user has none
        return False
    return home != Path("/") and path.absolute().is_relative_to(home)


def make_folder(folder: Path) -> None:
    """Create the folder and its parents, unless they exist.

    Raises:
        OSError
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE if is_in_home(folder) else 0o777, exist_ok=True)


def create(path: Path, usual_mode: int) -> int:
    """Create the file and return its descriptor, open for writing; `usual_mode` is the mode outside a home.

    Raises:
        OSError: it cannot be created, or exists.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode_of(path, usual_mode))


def mode_of(path: Path, usual_mode: int) -> int:
    """Return the mode of a new file; `usual_mode` is that outside a home."""
    return FILE_MODE if is_in_home(path) else usual_mode
