"""Keeps the committed document in one SQLite file: each commit is a generation, and the newest two are kept."""

import logging
import os
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from coderouter_events import private
from coderouter_exporter.names import shown
from coderouter_exporter.state.document import Document
from coderouter_exporter.state.errors import (
    DAMAGE,
    Busy,
    StateError,
    TablesDamaged,
    are_tables_damaged,
    explained,
    is_passing,
    unusable,
    unwritable,
)
from coderouter_exporter.state.lock import close_fd, lock

APPLICATION_ID = 0x63726578
"""Identifies our files; the letters `crex`."""
SCHEMA = 5
"""Incremented when an older exporter would misread what this one writes.

1 has no tail digests and no sequence numbers, 2 no histograms, 3 no tables beside the document, 4
no documents that hold only changes.
"""
GENERATIONS_KEPT = 2
WHOLE_COPIES = 2
DAMAGED_MAX = 3
"""Writes in a row that find the file damaged, before another one takes its place: damaged rows are repaired at once."""
LOCKED_S = 1.0
"""How long a commit waits for a reader of the file, for example the sqlite3 command."""

Change = Callable[[sqlite3.Connection], None]
"""Changes tables beside the document, in the transaction of a commit."""
T = TypeVar("T")

_CREATE_WHOLE = (
    "CREATE TABLE IF NOT EXISTS whole (id INTEGER NOT NULL, copy INTEGER NOT NULL, crc INTEGER NOT NULL, "
    "document BLOB NOT NULL, PRIMARY KEY (id, copy))"
)

log = logging.getLogger(__name__)


class Store:
    """The only owner of a state file: no other process can open it until this one has ended."""

    def __init__(self, path: Path, create_tables: Change | None = None) -> None:
        """Open the file, or create it; `create_tables` creates the tables beside the document that are not there.

        Raises:
            StateError: another exporter uses it, or it is not a state file, or a damaged one.
            StateUnavailable: it cannot be opened, read or written now.
        """
        self.path = path
        self.generation = 0
        self.recovered = False
        """The newest generation was damaged, and the previous one was loaded."""
        self._whole = b""
        """What the newest document holds the changes of, as it is in the file."""
        self._schema = SCHEMA
        self._found_damaged = 0
        self._create_tables = create_tables
        self._in_use = Lock()
        """Held while a transaction is under way, and while the tables are read."""
        with ExitStack() as on_error:
            self._lock_fd = lock(path)
            on_error.callback(close_fd, self._lock_fd)
            with explained(path):
                if path.is_dir():
                    raise StateError(unwritable(path, "it is a folder"))
                if not path.exists():
                    _create(path)
                self._db = _connect(path)
                on_error.callback(self._db.close)
                self._check()
                self._inode = path.stat().st_ino
            on_error.pop_all()

    def load(self) -> Document | None:
        """Return the newest intact document, or None if nothing was ever committed.

        Raises:
            StateError: something was committed, but no generation is intact.
            StateUnavailable: it cannot be read now.
        """
        with explained(self.path):
            numbers = [number for (number,) in self._db.execute("SELECT id FROM generation ORDER BY id DESC")]
        self.generation = max(numbers, default=0)
        for number in numbers:
            with explained(self.path):
                document = self._intact(number)
            if document is not None:
                self.recovered = number != self.generation
                self._whole = document.whole
                return document
        if numbers:
            raise StateError(unusable(self.path, "no generation has a correct checksum"))
        if self._schema:
            raise StateError(unusable(self.path, "its generations are gone"))
        return None

    def _intact(self, number: int) -> Document | None:
        newest = self._read_intact("SELECT crc, document FROM generation WHERE id = ?", number)
        whole = None if newest is None else self._whole_before(number)
        return None if newest is None or whole is None else Document(newest, whole)

    def _whole_before(self, number: int) -> bytes | None:
        """Return the document that the generation has the changes of: empty if there is none, None if damaged."""
        newest = "id = (SELECT max(id) FROM whole WHERE id <= ?)"
        if self._db.execute(f"SELECT 1 FROM whole WHERE {newest}", (number,)).fetchone() is None:
            return b""
        query = f"SELECT crc, document FROM whole WHERE copy = ? AND {newest}"
        copies = (self._read_intact(query, copy, number) for copy in range(WHOLE_COPIES))
        return next((document for document in copies if document is not None), None)

    def _read_intact(self, query: str, *values: int) -> bytes | None:
        """Return the document if its checksum is correct."""
        try:
            crc, document = self._db.execute(query, values).fetchone() or (None, b"")
        except DAMAGE as error:
            if is_passing(error):
                raise
            return None
        return document if isinstance(document, bytes) and zlib.crc32(document) == crc else None

    def commit(
        self, document: Document, change: Callable[[sqlite3.Connection, int], None] | None = None
    ) -> None:
        """Write the next generation, durably: it survives a power cut.

        `change` changes the tables in the same transaction, given the number of the generation.

        Raises:
            sqlite3.Error: nothing was written, for example because the disk is full.
            TablesDamaged: nor was it, and trying again does not help.
        """
        number = self.generation + 1

        def write(db: sqlite3.Connection) -> None:
            # A commit may have worked although it reported an error: then this generation is there already.
            values = (number, zlib.crc32(document.newest), document.newest)
            db.execute("INSERT OR REPLACE INTO generation VALUES (?, ?, ?)", values)
            db.execute("DELETE FROM generation WHERE id <= ?", (number - GENERATIONS_KEPT,))
            db.execute("DELETE FROM whole WHERE id >= ?", (number,))
            if document.whole != self._whole:
                _put_whole(db, number, document.whole)
            try:
                if change is not None:
                    change(db, number)
            except sqlite3.DatabaseError as error:
                if are_tables_damaged(error):
                    raise TablesDamaged(str(error)) from error
                raise
            if self._schema != SCHEMA:
                db.execute(f"PRAGMA user_version={SCHEMA}")

        self.write(write)
        self.generation = number
        self._whole = document.whole
        self._schema = SCHEMA

    def write(self, change: Change) -> None:
        """Change the tables in a transaction of its own, durably.

        Raises:
            sqlite3.Error: nothing was written.
        """
        with self._in_use:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                change(self._db)
                self._db.execute("COMMIT")
            except BaseException as error:
                if self._db.in_transaction:
                    with suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    self._found_damaged += are_tables_damaged(error)
                    self._open_again_if_replaced()
                raise
            self._found_damaged = 0

    def read(self, query: Callable[[sqlite3.Connection], T], timeout_s: float = LOCKED_S) -> T:
        """Return what the query reads of the tables, as they were committed last. Called from any thread.

        Raises:
            Busy: a commit takes longer than the timeout.
            sqlite3.Error: they cannot be read.
        """
        if not self._in_use.acquire(timeout=timeout_s):
            raise Busy
        try:
            return query(self._db)
        finally:
            self._in_use.release()

    def close(self) -> None:
        with suppress(sqlite3.Error), self._in_use:
            self._db.close()
        close_fd(self._lock_fd)

    def _open_again_if_replaced(self) -> None:
        """Open the file again, or create it, when the one that is open is damaged or no longer at the path."""
        is_damaged = self._found_damaged >= DAMAGED_MAX
        try:
            at_path = os.stat(self.path).st_ino  # noqa: PTH116 - like everywhere
        except FileNotFoundError:
            at_path = 0
        except OSError:
            return
        if at_path == self._inode and not is_damaged:
            return
        with suppress(OSError, sqlite3.Error):  # the next commit tries again
            if is_damaged:
                _set_aside(self.path)
                # An exporter that dies before it has written its totals must not start again at zero.
                _create(self.path, SCHEMA)
            elif not at_path:
                _create(self.path)
            db = _connect(self.path)
            self._create_missing(db)
            self._db.close()
            self._db = db
            (self._schema,) = db.execute("PRAGMA user_version").fetchone()
            self._whole = b""
            self._inode = self.path.stat().st_ino
            self._found_damaged = 0
            found = "damaged, and is set aside as .damaged" if is_damaged else "removed or replaced"
            log.warning("%s was %s; writing the current totals to it", shown(self.path), found)

    def _check(self) -> None:
        (application_id,) = self._db.execute("PRAGMA application_id").fetchone()
        (self._schema,) = self._db.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise StateError(unusable(self.path, "it is not a state file of cr-exporter"))
        if self._schema > SCHEMA:
            raise StateError(
                f"{shown(self.path)}: written by a newer cr-exporter (schema {self._schema}, this version supports "
                f"{SCHEMA}); run that version, or choose another file with --state"
            )
        self._db.execute("BEGIN IMMEDIATE")
        self._create_missing(self._db)
        self._db.execute("COMMIT")

    def _create_missing(self, db: sqlite3.Connection) -> None:
        db.execute(_CREATE_WHOLE)
        if self._create_tables is not None:
            self._create_tables(db)


def _put_whole(db: sqlite3.Connection, number: int, document: bytes) -> None:
    """Write it for this generation and the next ones; twice, because damage to it would cost all of them."""
    db.execute("DELETE FROM whole WHERE id < (SELECT max(id) FROM whole WHERE id < ?)", (number,))
    for copy in range(WHOLE_COPIES):
        values = (number, copy, zlib.crc32(document), document)
        db.execute("INSERT INTO whole VALUES (?, ?, ?, ?)", values)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=LOCKED_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=TRUNCATE")
        db.execute("PRAGMA synchronous=FULL")
    except BaseException:
        db.close()
        raise
    return db


def _set_aside(path: Path) -> None:
    """Give the file another name beside its own, so that there is a file at the path at any time."""
    aside = path.with_name(path.name + ".damaged")
    aside.unlink(missing_ok=True)
    try:
        os.link(path, aside)
    except FileNotFoundError:
        return
    except OSError:  # some file systems have no links
        path.replace(aside)
    path.with_name(path.name + "-journal").unlink(missing_ok=True)


def _create(path: Path, schema: int = 0) -> None:
    """Create the file atomically: an empty file at the path is always damage, never a first start.

    Its schema is 0 until the first commit, which distinguishes a new file from one that has lost its generations.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    close_fd(private.create(new, 0o644))
    with closing(_connect(new)) as db:
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={schema}")
        db.execute(
            "CREATE TABLE generation (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, document BLOB NOT NULL)"
        )
    new.with_name(new.name + "-journal").unlink(missing_ok=True)
    new.rename(path)
    folder_fd = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder_fd)
    finally:
        close_fd(folder_fd)
