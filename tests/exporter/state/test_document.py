"""A large state is committed as what has changed since it was written as a whole, and is the same when it is read."""

import random
import sqlite3
import zlib
from pathlib import Path

import pytest

from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.document import Document, Encoder
from coderouter_exporter.state.errors import StateError
from coderouter_exporter.state.state import State
from coderouter_exporter.state.store import SCHEMA, Store
from support.exporter.engine import EngineRig, is_exact
from support.exporter.random_traffic import Traffic
from support.exporter.writers import Writer

BEGIN = 1.79e9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exporter.db"


def committed(path: Path, *documents: Document) -> None:
    store = Store(path)
    store.load()
    for document in documents:
        store.commit(document)
    store.close()


def loaded(path: Path) -> Document | None:
    store = Store(path)
    try:
        return store.load()
    finally:
        store.close()


def execute(path: Path, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_decoded_is_what_was_encoded(seed: int) -> None:
    chance = random.Random(seed)
    traffic = Traffic(chance, BEGIN)
    state, encoder = (
        State(created_ts=1.0),
        Encoder(whole_bytes_max=0, changes_share_max=chance.choice((0.95, 9))),
    )
    wholes, encoded = set[int](), list[Document]()
    for _ in range(30):
        data = b"".join(traffic.lines(chance.choice((1, 3, 100))))
        fold(state, Chunk(data, len(data)), traffic.now)
        if chance.random() < 0.1:
            encoder.forget()
            state = State.decode(state.encode())
        document = encoder.encode(state)
        assert document.decode() == state
        wholes.add(id(document.whole))
        encoded.append(document)
    assert 1 < len(wholes) < len(encoded)


def test_a_small_state_is_encoded_as_a_whole() -> None:
    state = State(created_ts=1.0)
    assert Encoder().encode(state) == Document(state.encode())


def test_changes_are_loaded_with_what_they_are_changes_of(path: Path) -> None:
    documents = [Document(b"1"), Document(b"a", b"A"), Document(b"b", b"A"), Document(b"c", b"C")]
    for number, document in enumerate(documents):
        committed(path, document)
        assert loaded(path) == document, number
    committed(path, Document(b"5"))
    assert loaded(path) == Document(b"5"), "it is a whole one again"


def test_after_damage_the_previous_generation_is_loaded_with_its_own(path: Path) -> None:
    committed(path, Document(b"a", b"A"), Document(b"b", b"A"), Document(b"c", b"C"))
    execute(path, "UPDATE generation SET document = x'00' WHERE id = 3")
    assert loaded(path) == Document(b"b", b"A")
    committed(path, Document(b"d", b"D"))
    assert loaded(path) == Document(b"d", b"D")


def test_one_damaged_copy_of_what_they_are_changes_of_costs_nothing(path: Path) -> None:
    committed(path, Document(b"a", b"A"), Document(b"b", b"A"))
    execute(path, "UPDATE whole SET document = x'00' WHERE copy = 0")
    assert loaded(path) == Document(b"b", b"A")
    execute(path, "UPDATE whole SET document = x'00'")
    with pytest.raises(StateError):
        loaded(path)


def test_a_state_of_schema_4_is_continued(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute(
        "CREATE TABLE generation (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, document BLOB NOT NULL)"
    )
    db.execute("INSERT INTO generation VALUES (7, ?, ?)", (zlib.crc32(b"old"), b"old"))
    db.execute("PRAGMA application_id=0x63726578")
    db.execute("PRAGMA user_version=4")
    db.commit()
    db.close()
    assert loaded(path) == Document(b"old")
    committed(path, Document(b"a", b"A"))
    assert loaded(path) == Document(b"a", b"A")
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    db.close()


def test_failed_commits_failed_passes_and_kills_lose_nothing_of_a_large_state(
    tmp_path: Path, path: Path
) -> None:
    events = tmp_path / "events.jsonl"
    writer = Writer(events)
    written = 0
    for turn in range(3):
        engine = EngineRig(events, state=path, encoder=Encoder(0, changes_share_max=9), commit_every_s=0.0)
        for number in range(4):
            writer.write(f"p{number}", count=2)
            written += 2
            if number == 3:
                engine.restart()
            if number == turn:
                execute(
                    path,
                    "CREATE TRIGGER full BEFORE INSERT ON generation BEGIN SELECT RAISE(ABORT, 'full'); END",
                )
                engine.run_pass()
                execute(path, "DROP TRIGGER full")
            assert is_exact(engine, written)
        assert [engine.tries(f"p{number}") for number in range(4)] == [2.0 * (turn + 1)] * 4
        engine.kill()
    writer.close()
