"""Commits rows with the document. Rows never prevent a commit of the document: counts come first."""

import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from coderouter_exporter.engine.deaths import Deaths
from coderouter_exporter.names import shown
from coderouter_exporter.rows import backlog, requests, tables
from coderouter_exporter.rows.pending import Pending, Written
from coderouter_exporter.rows.requests import Key
from coderouter_exporter.state.document import Document
from coderouter_exporter.state.errors import TablesDamaged, are_rows_unreadable, are_tables_damaged, explained
from coderouter_exporter.state.store import Store

T = TypeVar("T")

log = logging.getLogger(__name__)


class RowTables:
    """The tables of one store, and `pending`: what becomes rows with the next commit."""

    def __init__(self, store: Store, pending: Pending) -> None:
        """Read which requests are under way.

        Raises:
            StateError, StateUnavailable: the file cannot be read.
        """
        self._store = store
        self.pending = pending
        self.damage: sqlite3.Error | None = None
        """What a reader met since the last commit, which repairs it."""
        pending.take_back = store.recovered
        with explained(store.path):
            try:
                pending.open_keys = store.read(requests.open_keys)
                pending.backlog = store.read(backlog.size)
            except sqlite3.DatabaseError as error:
                if not are_tables_damaged(error):
                    raise
                self._restart(error)
        self._open = dict.fromkeys((writer for _, writer in pending.open_keys or ()), 0.0)
        """The writers of requests that are open in the tables, with when the newest of them began."""

    def commit(self, document: Document, now_ts: float, deaths: Deaths) -> None:
        """Commit the document with the rows; raises what `Store.commit` does."""
        written: Written | None = None

        def write(db: sqlite3.Connection, number: int) -> None:
            nonlocal written
            written = self.pending.write(db, number, now_ts, deaths.is_dead)

        if self.damage is not None:
            self._restart(self.damage)
            self.damage = None
        try:
            self._store.commit(document, write)
        except TablesDamaged as damage:
            self._restart(damage)
            self._store.commit(document, write)
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("leaving out requests that cannot be written")
            self._store.commit(document)
        self.pending.committed(written)
        self._open = written.writers if written is not None else {}

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Return what the query reads of the committed rows; raises what `Store.read` does."""
        try:
            return self._store.read(query)
        except sqlite3.Error as error:
            if are_rows_unreadable(error):
                self.damage = error
            raise

    def build(self) -> None:
        """Make rows of some events that are committed."""
        if not self.pending.backlog:
            return
        open_keys: set[Key] | None = None

        def write(db: sqlite3.Connection) -> None:
            nonlocal open_keys
            backlog.write_oldest(db, self.pending.requests_max)
            open_keys = requests.open_keys(db) if self.pending.backlog == 1 else None

        try:
            self._store.write(write)
        except sqlite3.Error as error:
            if not are_tables_damaged(error):
                raise
            self._restart(error)
            return
        except Exception:
            log.exception("leaving out requests that cannot be written")
            self._store.write(backlog.drop_oldest)
        if len(self.pending.ended_in_backlog) == self.pending.backlog:
            del self.pending.ended_in_backlog[0]
        self.pending.backlog -= 1
        self.pending.open_keys = open_keys

    def has_lost_requests(self, deaths: Deaths) -> bool:
        """Return whether an open request will never end."""
        found = any(deaths.is_dead(writer, at) for writer, at in self._open.items())
        self.pending.looks_for_lost |= found
        return found

    def _restart(self, damage: Exception) -> None:
        log.warning("requests and days in %s are damaged (%s); they restart", shown(self._store.path), damage)
        self._store.write(tables.create_again)
        self.pending.open_keys, self.pending.backlog = set(), 0
        self.pending.ended_in_backlog = []
