"""How an exporter handles its state file: damage, older versions, a full disk, a reset."""

import gzip
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coderouter_events.events import TryProvider
from coderouter_exporter.state.cardinality import OTHER, SERIES_MAX
from coderouter_exporter.state.document import Document
from coderouter_exporter.state.errors import StateError
from coderouter_exporter.state.store import SCHEMA, Store
from coderouter_proxy.eventlog.writer import EventLog
from support.exporter.engine import EngineRig, is_exact
from support.exporter.process import CR_EXPORTER, Exporter, append, running_exporter, tried
from support.exporter.writers import Writer
from support.processes import eventually, running
from support.run_command import run

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data"
EVERY_BYTES = 61

Start = Callable[..., EngineRig]


def damage_newest(state: Path) -> None:
    db = sqlite3.connect(state)
    db.execute("UPDATE generation SET document = x'00' WHERE id = (SELECT max(id) FROM generation)")
    db.commit()
    db.close()


def loaded(path: Path) -> Document | str | None:
    """Return the document in the file, or the error message when it is refused."""
    try:
        store = Store(path)
    except StateError as error:
        return str(error)
    try:
        return store.load()
    except StateError as error:
        return str(error)
    finally:
        store.close()


def test_no_damage_to_a_state_file_loads_anything_but_the_last_two_commits(tmp_path: Path) -> None:
    """Every few bytes, one byte is flipped, and the file is truncated there."""
    path = tmp_path / "exporter.db"
    store = Store(path)
    documents = [Document(bytes([number]) * 700) for number in (1, 2, 3)]
    for document in documents:
        store.commit(document)
    store.close()
    whole = path.read_bytes()
    flipped = (
        whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), EVERY_BYTES)
    )
    cut = (whole[:size] for size in range(0, len(whole), EVERY_BYTES))
    found = set()
    for content in (*flipped, *cut, bytes(len(whole))):
        path.write_bytes(content)
        found_now = loaded(path)
        if isinstance(found_now, str):
            assert "--state" in found_now
        else:
            found.add(found_now)
    assert found == set(documents[-2:])


def test_a_state_that_lost_its_generations_is_not_mistaken_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "exporter.db"
    store = Store(path)
    store.commit(Document(b"1"))
    store.close()
    db = sqlite3.connect(path)
    db.execute("DELETE FROM generation")
    db.commit()
    db.close()
    assert "its generations are gone" in str(loaded(path))


def test_a_folder_at_the_path_of_the_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "exporter.db").mkdir()
    assert "exporter.db" in str(loaded(tmp_path / "exporter.db"))


def test_after_damage_the_previous_generation_is_used_and_no_served_value_decreases(
    events: Path, writer: Writer, tmp_path: Path
) -> None:
    state = tmp_path / "exporter.db"
    engine = EngineRig(events, state=state)
    for total in (5, 10):
        writer.write(count=5)
        assert is_exact(engine, total)
    engine.kill()
    damage_newest(state)
    engine = EngineRig(events, state=state)
    before = engine.published
    assert engine.shown()["coderouter_requests_total", ()] == 5
    assert is_exact(engine, 10)
    after = engine.published
    assert (bool(before.unavailable), bool(after.unavailable)) == (True, False)
    engine.kill()


def test_a_state_of_schema_1_is_continued(tmp_path: Path) -> None:
    """Its checkpoints have no tail digest and its events no numbers; totals, `_created` and offsets are kept."""
    state, events = tmp_path / "exporter.db", tmp_path / "events.jsonl"
    shutil.copy(DATA / "state-schema-1.db", state)
    shutil.copy(DATA / "state-schema-1.jsonl", events)
    store = Store(state)
    document = store.load()
    assert document is not None
    restored = document.decode()
    assert restored.created_ts == 1795461000.0
    (checkpoint,) = restored.checkpoints
    checkpoint.path = str(events)
    store.commit(Document(restored.encode()))
    store.close()
    engine = EngineRig(events, state=state)
    assert engine.scrape()["coderouter_requests_total", ()] == 2
    append(events, tried(writer="w", seq=5))
    shown = engine.scrape()
    assert shown["coderouter_requests_total", ()] == 3
    assert shown["cr_exporter_lines_total", ("event",)] == 5
    engine.kill()
    db = sqlite3.connect(state)
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    db.close()


def test_the_schema_number_makes_an_older_version_refuse_the_state(tmp_path: Path) -> None:
    store = Store(tmp_path / "exporter.db")
    store.commit(Document(b"1"))
    store.close()
    db = sqlite3.connect(tmp_path / "exporter.db")
    assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    db.close()


def created(exporter: Exporter) -> str:
    _, body = exporter.get("/metrics", accept="application/openmetrics-text")
    return next(line for line in body.decode().splitlines() if line.startswith("coderouter_requests_created"))


def test_a_reset_sets_the_state_aside_and_moves_created(events: Path, writer: Writer, tmp_path: Path) -> None:
    state = tmp_path / "exporter.db"
    writer.write(count=3)
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == 3
        before = created(exporter)
    content = bytearray(state.read_bytes())
    content[:4096] = bytes(4096)
    state.write_bytes(content)
    refused = run((CR_EXPORTER, "--events", events, "--state", state, "--listen", "127.0.0.1:0"))
    assert refused.code == 3
    assert "--state-reset" in refused.stderr
    writer.write()
    with running_exporter(events, state=state, CR_EXPORTER_STATE_RESET="1") as exporter:
        assert exporter.tries() == 4
        assert created(exporter) > before
    assert state.with_name("exporter.db.old").read_bytes() == content


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 512 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "none", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"may not mount here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(ballast: Path) -> None:
    """Write to the file until the disk is full."""
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_on_a_full_disk_the_last_commit_is_served_until_commits_work_again(
    events: Path, writer: Writer, small_disk: Path
) -> None:
    ballast = small_disk / "ballast"
    writer.write(count=10)
    with running_exporter(events, state=small_disk / "exporter.db") as exporter:
        assert exporter.tries() == 10
        fill(ballast)
        names = [f"provider-{number:04}-{'x' * 40}" for number in range(300)]  # so that the document grows
        for name in names:
            writer.write(name)
        eventually(lambda: not exporter.is_ready(), within_s=30)
        assert exporter.tries() == 10
        assert exporter.scrape()["cr_exporter_checkpoint_failing", ()] > 0
        assert exporter.get("/-/healthy")[0].status == 200
        ballast.unlink()
        eventually(exporter.is_ready, within_s=30)
        shown = exporter.scrape()
    assert shown["coderouter_requests_total", ()] == 310
    assert shown["cr_exporter_checkpoint_failures_total", ()] > 0
    assert shown["cr_exporter_exact", ()] == 1


def test_a_full_disk_under_the_event_file_loses_no_event(small_disk: Path, tmp_path: Path) -> None:
    events, ballast = small_disk / "events.jsonl", small_disk / "ballast"
    log = EventLog(events)
    event = TryProvider(request_id="r1", provider="local", stream=False)
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        log.write(event)
        fill(ballast)
        for _ in range(100):
            log.write(event)
        assert 0 < exporter.tries() < 101
        ballast.unlink()
        for _ in range(3):
            log.write(event)
        shown = exporter.scrape()
        assert shown["coderouter_requests_total", ()] == 104
        assert shown["cr_exporter_exact", ()] == 1
    log.close()


def test_the_label_values_of_a_family_are_bounded(start: Start, events: Path) -> None:
    events.parent.mkdir()
    append(events, *(tried(f"p{number}") for number in range(SERIES_MAX + 5)))
    shown = start().scrape()
    assert shown["coderouter_provider_attempts_total", (OTHER,)] == 5
    assert shown["cr_exporter_label_overflow_total", ("coderouter_provider_attempts_total",)] == 5
    assert shown["coderouter_requests_total", ()] == SERIES_MAX + 5


def test_more_event_files_than_file_descriptors_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    writers = [
        Writer(folder / f"events-{chr(97 + number // 26)}{chr(97 + number % 26)}.jsonl")
        for number in range(300)
    ]
    for writer in writers:
        writer.write()
        writer.close()
    limited = ("prlimit", "--nofile=128:128", CR_EXPORTER)
    arguments = (
        "--events",
        folder / "*.jsonl",
        "--state",
        tmp_path / "exporter.db",
        "--listen",
        "127.0.0.1:0",
    )
    with running(*limited, *arguments) as command:
        exporter = Exporter(command)
        eventually(lambda: exporter.tries() == 300)
        for writer in writers[::3]:
            writer.write()
            writer.close()
            writer.path.rename(writer.path.with_name(f"{writer.path.name}.1"))
            writer.write()
            writer.close()
        eventually(lambda: exporter.tries() == 500)
        shown = exporter.scrape()
        assert shown["cr_exporter_exact", ()] == 1
        assert shown["cr_exporter_duplicates_suppressed_total", ()] == 0


def test_a_glob_matches_new_files_but_not_rotated_ones(tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    one, two = Writer(folder / "one.jsonl"), Writer(folder / "two.jsonl")
    one.write()
    engine = start(folder / "*")
    assert is_exact(engine, 1)
    one.path.rename(folder / "one.jsonl.1")
    (folder / "one.jsonl.2.gz").write_bytes(gzip.compress(tried(writer="old", seq=1)))
    one.reopen()
    one.write()
    two.write()
    engine = start(folder / "*")
    assert is_exact(engine, 4)
    assert [tail.path.name for tail in engine.sources.tails] == ["one.jsonl", "two.jsonl"]
    one.close()
    two.close()


UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="setpriv is not installed")
def test_an_unreadable_file_is_counted_once_it_is_readable(
    events: Path, writer: Writer, tmp_path: Path
) -> None:
    """Root can read every file, so its exporter is started without that capability."""
    prefix = UNPRIVILEGED if os.geteuid() == 0 else ()
    writer.write(count=3)
    events.chmod(0)
    arguments = ("--events", events, "--state", tmp_path / "exporter.db", "--listen", "127.0.0.1:0")
    with running(*prefix, CR_EXPORTER, *arguments) as command:
        exporter = Exporter(command)
        assert exporter.tries() == 0
        readable = ("cr_exporter_source_readable", (str(events),))
        assert exporter.scrape()[readable] == 0
        events.chmod(0o600)
        assert exporter.tries() == 3
        writer.write()
        events.rename(events.with_name("events.jsonl.1"))
        writer.reopen()
        writer.write()
        events.chmod(0)
        assert exporter.tries() == 4, "the rest of the rotated file counts although the new one is unreadable"
        assert exporter.scrape()[readable] == 0
        writer.write()
        events.chmod(0o600)
        assert exporter.tries() == 6
        assert exporter.scrape()["cr_exporter_exact", ()] == 1
