"""A state file that cannot be used now is waited for; one that a person has to repair ends the process."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.disk import small_disk
from support.exporter.privileges import unprivileged
from support.exporter.process import Exporter, running_exporter
from support.exporter.writers import Writer
from support.processes import eventually


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "events.jsonl")
    writer.write(count=3)
    yield writer
    writer.close()


def waits(exporter: Exporter, reason: str) -> bool:
    """Return whether it serves nothing, and says once what it waits for."""
    for _ in range(3):
        response, body = exporter.get("/metrics")
        assert response.status == 503
        assert reason in body.decode()
        assert exporter.get("/-/healthy")[0].status == 200
        assert exporter.get("/")[0].status == 200
    return reason in exporter.not_ready() and exporter.command.stderr.count(reason) == 1


def recovers(exporter: Exporter, tries: int) -> bool:
    eventually(exporter.is_ready)
    assert "Traceback" not in exporter.command.stderr
    return exporter.tries() == tries and exporter.is_exact()


def test_a_first_start_on_a_full_disk(tmp_path: Path, writer: Writer) -> None:
    with small_disk(tmp_path / "disk", kilobytes=256) as disk:
        disk.fill()
        with running_exporter(writer.path, state=disk.folder / "exporter.db") as exporter:
            assert waits(exporter, "cannot write the state file")
            disk.free()
            assert recovers(exporter, 3)


def test_a_later_start_on_a_full_disk_and_a_stop_on_it(tmp_path: Path, writer: Writer) -> None:
    with small_disk(tmp_path / "disk", kilobytes=256) as disk:
        for full in (False, True):
            with running_exporter(writer.path, state=disk.folder / "exporter.db") as exporter:
                eventually(lambda: exporter.tries() == 3)
                if full:
                    writer.write()
                    eventually(lambda: not exporter.is_ready())
                    assert exporter.tries() == 3
                    assert not exporter.is_exact()
                    assert exporter.command.stop() == 0
                else:
                    disk.fill()
        disk.free()
        with running_exporter(writer.path, state=disk.folder / "exporter.db") as exporter:
            assert recovers(exporter, 4)


def test_a_state_that_is_locked_at_the_start(tmp_path: Path, writer: Writer) -> None:
    state = tmp_path / "exporter.db"
    with running_exporter(writer.path, state=state) as exporter:
        assert recovers(exporter, 3)
    lock = sqlite3.connect(state, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with running_exporter(writer.path, state=state) as exporter:
        assert waits(exporter, "database is locked")
        lock.execute("ROLLBACK")
        lock.close()
        assert recovers(exporter, 3)


@pytest.mark.parametrize("reset", [False, True])
def test_a_folder_of_the_state_that_cannot_be_searched(tmp_path: Path, writer: Writer, reset: bool) -> None:
    state = tmp_path / "state" / "exporter.db"
    with running_exporter(writer.path, state=state) as exporter:
        assert recovers(exporter, 3)
    state.parent.chmod(0)
    options = ("--state-reset",) if reset else ()
    with running_exporter(writer.path, state=state, prefix=unprivileged(), options=options) as exporter:
        assert waits(exporter, "Permission denied")
        state.parent.chmod(0o700)
        assert recovers(exporter, 3)
        assert state.with_name("exporter.db.old").exists() == reset


def test_a_state_that_turns_out_to_be_damaged_ends_the_process(tmp_path: Path, writer: Writer) -> None:
    state = tmp_path / "state" / "exporter.db"
    with running_exporter(writer.path, state=state) as exporter:
        assert recovers(exporter, 3)
    state.write_bytes(b"damaged" * 1000)
    state.parent.chmod(0)
    with running_exporter(writer.path, state=state, prefix=unprivileged()) as exporter:
        assert waits(exporter, "Permission denied")
        state.parent.chmod(0o700)
        assert exporter.command.wait() == 3
        assert "--state-reset" in exporter.command.stderr
        assert "Traceback" not in exporter.command.stderr


@pytest.mark.parametrize("replaced", [False, True])
def test_a_state_file_removed_or_replaced_while_it_runs_is_written_again(
    tmp_path: Path, writer: Writer, replaced: bool
) -> None:
    state = tmp_path / "exporter.db"
    with running_exporter(writer.path, state=state) as exporter:
        assert recovers(exporter, 3)
        copy = state.read_bytes()
        state.unlink()
        if replaced:
            state.write_bytes(copy)
        writer.write()
        eventually(lambda: exporter.tries() == 4)
        assert recovers(exporter, 4)
    with running_exporter(writer.path, state=state) as exporter:
        assert recovers(exporter, 4)
