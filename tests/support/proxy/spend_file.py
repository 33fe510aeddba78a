"""The file of budgets: locked as another program would, and read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Create the file if need be, and keep everybody else from writing it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS spent "
            "(month TEXT, provider TEXT, micro_usd INTEGER, PRIMARY KEY (month, provider))"
        )
        database.execute("BEGIN EXCLUSIVE")
        yield database
        database.execute("COMMIT")


def written(path: Path) -> int:
    """Return the micro-dollars in the file."""
    with locked(path) as database:
        [(micro_usd,)] = database.execute("SELECT coalesce(sum(micro_usd), 0) FROM spent")
        return int(micro_usd)
