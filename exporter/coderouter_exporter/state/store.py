"""Keeps the counted document in one SQLite file: each commit is a generation, the newest two are kept."""

import fcntl
import os
import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path

APPLICATION_ID = 0x63726578
"""Marks the file as ours (the letters `crex`)."""
SCHEMA = 3
"""Raised when an older exporter would misread what this one writes.

1: no markers, no sequence numbers; 2: no histograms.
"""
GENERATIONS_KEPT = 2
DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged file makes SQLite raise; it quotes what it found there in its message."""
LOCKED_S = 1.0
"""How long a commit waits for someone who looks into the file, for example with the sqlite3 command."""


class StateError(Exception):
    """The state cannot be used; the message names the file and says what to do."""


class Store:
    """The only owner of a state file; another process that opens it is refused until this one has ended."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it.

        Raises:
            StateError: another exporter has it, its folder cannot be written, or it is not a state we can read.
        """
        self.path = path
        self.generation = 0
        self.recovered = False
        """The newest generation was damaged, so the one before it was loaded."""
        self._schema = SCHEMA
        self._lock_fd = _lock(path)
        try:
            if not path.exists():
                _create(path)
            self._db = _connect(path)
            self._check()
        except (sqlite3.OperationalError, OSError) as error:
            os.close(self._lock_fd)
            raise StateError(_unwritable(path, error)) from error
        except DAMAGE as error:
            os.close(self._lock_fd)
            raise StateError(_unusable(path, error)) from error
        except StateError:
            os.close(self._lock_fd)
            raise

    def load(self) -> bytes | None:
        """Return the newest intact document, or None when nothing was ever committed.

        Raises:
            StateError: there are generations and none is intact.
        """
        try:
            numbers = [number for (number,) in self._db.execute("SELECT id FROM generation ORDER BY id DESC")]
        except DAMAGE as error:
            raise StateError(_unusable(self.path, error)) from error
        self.generation = max(numbers, default=0)
        for number in numbers:
            document = self._intact(number)
            if document is not None:
                self.recovered = number != self.generation
                return document
        if numbers:
            raise StateError(_unusable(self.path, "no generation has its right checksum"))
        if self._schema:
            raise StateError(_unusable(self.path, "its generations are gone"))
        return None

    def _intact(self, number: int) -> bytes | None:
        try:
            query = "SELECT crc, document FROM generation WHERE id = ?"
            crc, document = self._db.execute(query, (number,)).fetchone() or (None, b"")
        except DAMAGE:
            return None
        return document if isinstance(document, bytes) and zlib.crc32(document) == crc else None

    def commit(self, document: bytes) -> None:
        """Write the next generation; when this returns, it survives a power cut.

        Raises:
            sqlite3.Error: nothing was written, for example because the disk is full.
        """
        number = self.generation + 1
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO generation VALUES (?, ?, ?)", (number, zlib.crc32(document), document)
            )
            self._db.execute("DELETE FROM generation WHERE id <= ?", (number - GENERATIONS_KEPT,))
            if self._schema != SCHEMA:
                self._db.execute(f"PRAGMA user_version={SCHEMA}")
            self._db.execute("COMMIT")
        except sqlite3.Error:
            if self._db.in_transaction:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise
        self.generation = number
        self._schema = SCHEMA

    def close(self) -> None:
        self._db.close()
        os.close(self._lock_fd)

    def _check(self) -> None:
        (application_id,) = self._db.execute("PRAGMA application_id").fetchone()
        (self._schema,) = self._db.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise StateError(_unusable(self.path, "it is not a state file of cr-exporter"))
        if self._schema > SCHEMA:
            raise StateError(
                f"{self.path}: written by a newer cr-exporter (schema {self._schema}, this one knows {SCHEMA}); "
                "run that version, or name another file with --state"
            )
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("ROLLBACK")


def set_aside(path: Path) -> Path | None:
    """Rename the state file, if there is one, so that the next start begins at 0; return its new name.

    Raises:
        StateError: another exporter has it, or it cannot be renamed.
    """
    lock_fd = _lock(path)
    old = path.with_name(path.name + ".old")
    try:
        path.with_name(path.name + "-journal").unlink(missing_ok=True)
        path.rename(old)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(_unwritable(path, error.strerror)) from error
    finally:
        os.close(lock_fd)
    return old


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=TRUNCATE")
    db.execute("PRAGMA synchronous=FULL")
    return db


def _create(path: Path) -> None:
    """Create the file whole or not at all: an empty one at the path is damage, never a first start.

    Its schema is 0 until the first commit, so that one without generations is known for new or for damaged.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    db = _connect(new)
    db.execute(f"PRAGMA application_id={APPLICATION_ID}")
    db.execute(
        "CREATE TABLE generation (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, document BLOB NOT NULL)"
    )
    db.close()
    new.with_name(new.name + "-journal").unlink(missing_ok=True)
    new.rename(path)
    folder_fd = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder_fd)
    finally:
        os.close(folder_fd)


def _lock(path: Path) -> int:
    """Take the lock beside the file; it lasts as long as the descriptor, so a killed owner leaves none behind."""
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        reason = f"{path.parent} is not a folder" if isinstance(error, FileExistsError) else error.strerror
        raise StateError(_unwritable(path, reason)) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(fd, 32, 0).decode(errors="replace").strip()
        os.close(fd)
        raise StateError(
            f"{path} is in use by another cr-exporter (process {owner}); "
            "stop that one, or give this one its own file with --state"
        ) from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _unwritable(path: Path, reason: object) -> str:
    return (
        f"cannot write the state file {path} ({reason}); make it writable, or name another place with --state"
    )


def _unusable(path: Path, reason: object) -> str:
    return (
        f"cannot use the state file {path} ({reason}); its totals are not replaced by zeros: restore a good copy, "
        "or start once with --state-reset to set it aside and count the event files from their beginning"
    )
