import os
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from coderouter_exporter.state.document import Document
from coderouter_exporter.state.errors import StateError, StateUnavailable, TablesDamaged
from coderouter_exporter.state.store import DAMAGED_MAX, GENERATIONS_KEPT, SCHEMA, Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exporter.db"


def committed(path: Path, *documents: bytes) -> None:
    store = Store(path)
    store.load()
    for document in documents:
        store.commit(Document(document))
    store.close()


def loaded(path: Path) -> bytes | None:
    store = Store(path)
    try:
        document = store.load()
        return None if document is None else document.newest
    finally:
        store.close()


def execute(path: Path, statement: str, *values: object) -> list[tuple[object, ...]]:
    db = sqlite3.connect(path)
    rows = db.execute(statement, values).fetchall()
    db.commit()
    db.close()
    return rows


def test_a_new_state_is_empty(path: Path) -> None:
    assert loaded(path) is None


def test_the_last_commit_is_loaded(path: Path) -> None:
    committed(path, b"1", b"2")
    committed(path, b"3")
    assert loaded(path) == b"3"


def test_generation_numbers_continue_and_the_newest_two_are_kept(path: Path) -> None:
    committed(path, b"1", b"2")
    committed(path, b"3", b"4")
    db = sqlite3.connect(path)
    assert db.execute("SELECT id, document FROM generation ORDER BY id").fetchall() == [(3, b"3"), (4, b"4")]
    db.close()
    assert GENERATIONS_KEPT == 2


def test_a_damaged_generation_is_replaced_by_the_previous_one(path: Path) -> None:
    committed(path, b"1", b"2")
    execute(path, "UPDATE generation SET document = ? WHERE id = 2", b"X")
    assert loaded(path) == b"1"
    committed(path, b"3")
    assert loaded(path) == b"3"


def test_no_intact_generation_is_refused(path: Path) -> None:
    committed(path, b"1", b"2")
    execute(path, "UPDATE generation SET crc = crc + 1")
    with pytest.raises(StateError, match=r"exporter\.db.*checksum.*--state-reset"):
        loaded(path)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 99, 100, 1024, 4095, 4096, 8191])
def test_a_truncated_state_is_never_mistaken_for_an_empty_one(path: Path, size: int) -> None:
    committed(path, b"1" * 3000, b"2" * 3000)
    content = path.read_bytes()
    assert len(content) > 8192
    path.write_bytes(content[:size])
    with pytest.raises(StateError, match=r"exporter\.db"):
        loaded(path)


def test_a_state_full_of_nul_bytes_is_refused(path: Path) -> None:
    committed(path, b"1")
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(StateError, match="not a database"):
        loaded(path)


def test_a_state_of_a_newer_version_is_refused(path: Path) -> None:
    committed(path, b"1")
    execute(path, f"PRAGMA user_version={SCHEMA + 1}")
    with pytest.raises(StateError, match=f"schema {SCHEMA + 1}"):
        loaded(path)


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    execute(path, "CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(StateError, match="not a state file of cr-exporter"):
        loaded(path)
    assert path.read_bytes() == before


def test_an_interrupted_first_start_does_not_hinder_the_next_one(path: Path) -> None:
    path.with_name("exporter.db.new").write_bytes(b"half a database")
    assert loaded(path) is None


def test_a_second_owner_is_refused_until_the_first_has_closed_the_file(path: Path) -> None:
    first = Store(path)
    with pytest.raises(StateError, match=r"in use by another cr-exporter \(process \d+\).*--state"):
        Store(path)
    first.close()
    Store(path).close()


def test_the_folder_of_the_state_is_created(tmp_path: Path) -> None:
    committed(tmp_path / "a" / "b" / "exporter.db", b"1")
    assert loaded(tmp_path / "a" / "b" / "exporter.db") == b"1"


def test_a_failed_commit_leaves_the_previous_one(path: Path) -> None:
    store = Store(path)
    store.commit(Document(b"1"))
    execute(
        path, "CREATE TRIGGER full BEFORE INSERT ON generation BEGIN SELECT RAISE(ABORT, 'disk full'); END"
    )
    with pytest.raises(sqlite3.Error, match="disk full"):
        store.commit(Document(b"2"))
    execute(path, "DROP TRIGGER full")
    assert store.load() == Document(b"1")
    store.commit(Document(b"2"))
    assert store.load() == Document(b"2")
    store.close()


def test_a_folder_at_the_path_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StateError, match="it is a folder"):
        Store(path)


def test_a_database_that_is_locked_now_is_unavailable_and_no_damage(path: Path) -> None:
    committed(path, b"1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StateUnavailable, match="locked"):
        Store(path)
    other.close()
    assert loaded(path) == b"1"


def test_opening_that_fails_leaves_no_descriptor_and_no_lock(path: Path) -> None:
    path.write_bytes(b"damaged" * 1000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(StateError, match="not a database"):
            Store(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_commit_that_reported_an_error_but_worked_is_made_again(path: Path) -> None:
    store = Store(path)
    store.commit(Document(b"1"))
    execute(path, "INSERT INTO generation VALUES (2, 0, 'x')")
    store.commit(Document(b"2"))
    store.close()
    assert loaded(path) == b"2"


def found_damaged(path: Path) -> Store:
    """Return a store that has set its file aside, and has not committed since."""
    store = Store(path)
    store.commit(Document(b"1"))
    os.truncate(path, 0)
    for _ in range(DAMAGED_MAX):
        with pytest.raises((sqlite3.Error, TablesDamaged)):
            store.commit(Document(b"2"))
    return store


def test_a_file_that_is_found_damaged_is_set_aside_and_the_next_commit_is_complete(path: Path) -> None:
    store = found_damaged(path)
    assert path.with_name(path.name + ".damaged").exists()
    store.commit(Document(b"2", b"whole"))
    store.close()
    again = Store(path)
    assert again.load() == Document(b"2", b"whole")
    again.close()
    assert execute(path, "PRAGMA user_version") == [(SCHEMA,)]


def test_who_dies_before_the_totals_are_in_the_new_file_does_not_start_at_zero(path: Path) -> None:
    found_damaged(path).close()
    store = Store(path)
    with pytest.raises(StateError, match="its generations are gone"):
        store.load()
    store.close()


def test_a_file_that_was_removed_has_the_schema_again(path: Path) -> None:
    store = Store(path)
    store.commit(Document(b"1"))
    path.unlink()
    with suppress(sqlite3.Error):
        store.commit(Document(b"2"))
    store.commit(Document(b"3"))
    store.close()
    assert execute(path, "PRAGMA user_version") == [(SCHEMA,)]
