"""What cannot be read ends nothing: it is reported once, and counted once it can be read."""

import gzip
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.exporter.privileges import unprivileged
from support.exporter.process import Exporter, append, running_exporter, tried
from support.exporter.rotation import rotate
from support.exporter.writers import Writer
from support.processes import eventually

BYTES = os.fsdecode(b"caf\xe9-\xff")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "log" / "events.jsonl"


@pytest.fixture
def writer(events: Path) -> Iterator[Writer]:
    events.parent.mkdir()
    writer = Writer(events)
    yield writer
    events.parent.chmod(0o700)
    writer.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "exporter.db"


def reports(exporter: Exporter, path: Path) -> int:
    return exporter.command.stderr.count(f"cannot read {path} ")


def recovers(exporter: Exporter, tries: int) -> bool:
    """Return whether it becomes ready and exact with that total."""
    eventually(exporter.is_ready)
    assert "Traceback" not in exporter.command.stderr
    return exporter.tries() == tries and exporter.is_exact() and not exporter.problems()


def test_a_folder_that_cannot_be_searched_at_the_start_is_waited_for(
    events: Path, writer: Writer, state: Path
) -> None:
    writer.write(count=3)
    events.parent.chmod(0)
    with running_exporter(events, state=state, prefix=unprivileged()) as exporter:
        assert exporter.problems() == {str(events): "permission denied"}
        assert exporter.not_ready() == f"not ready: {events}: permission denied\n"
        assert not exporter.is_exact()
        assert reports(exporter, events) == 1
        events.parent.chmod(0o700)
        assert recovers(exporter, 3)


def test_a_folder_that_cannot_be_searched_later_stops_no_count_of_open_files(
    events: Path, writer: Writer, state: Path
) -> None:
    writer.write(count=3)
    with running_exporter(events, state=state, prefix=unprivileged()) as exporter:
        assert recovers(exporter, 3)
        events.parent.chmod(0)
        writer.write(count=2)
        assert exporter.tries() == 5
        assert exporter.problems() == {str(events): "permission denied"}
        assert not exporter.is_exact()
        events.parent.chmod(0o700)
        rotate(events)
        writer.reopen()
        writer.write()
        assert recovers(exporter, 6)
        assert exporter.scrape()["cr_exporter_unmatched_checkpoints_total", ()] == 0


def test_a_folder_that_cannot_be_listed_is_reported_while_the_file_counts(
    events: Path, writer: Writer, state: Path
) -> None:
    writer.write(count=3)
    events.parent.chmod(0o300)
    with running_exporter(events, state=state, prefix=unprivileged()) as exporter:
        assert exporter.tries() == 3
        assert exporter.problems() == {str(events.parent): "permission denied"}
        assert not exporter.is_exact()
        events.parent.chmod(0o700)
        assert recovers(exporter, 3)


def test_an_old_file_that_becomes_unreadable_after_it_was_counted_is_no_doubt(
    events: Path, writer: Writer, state: Path
) -> None:
    writer.write(count=3)
    with running_exporter(events, state=state, prefix=unprivileged()) as exporter:
        exporter.tries()
        old = rotate(events)
        writer.reopen()
        writer.write()
        archive = old.with_name(f"{old.name}.gz")
        archive.write_bytes(gzip.compress(old.read_bytes()))
        old.unlink()
        assert recovers(exporter, 4)
        archive.chmod(0)
        assert recovers(exporter, 4)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to(path.name), "too many levels of symbolic links"),
        (lambda path: path.mkdir(), "it is a folder"),
        (os.mkfifo, "it is not a regular file"),
    ],
)
def test_what_is_no_file_is_reported_and_waited_for(
    events: Path, writer: Writer, state: Path, make: object, reason: str
) -> None:
    assert callable(make)
    make(events)
    with running_exporter(events, state=state) as exporter:
        assert exporter.problems() == {str(events): reason}
        assert events.name in exporter.not_ready()
        assert reports(exporter, events) == 1
        if events.is_dir():
            events.rmdir()
        else:
            events.unlink()
        writer.write()
        assert recovers(exporter, 1)


def test_a_sibling_that_is_a_symlink_loop_is_reported(events: Path, writer: Writer, state: Path) -> None:
    writer.write()
    loop = events.with_name("events.jsonl.1")
    loop.symlink_to(loop.name)
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == 1
        assert exporter.problems() == {str(loop): "too many levels of symbolic links"}
        loop.unlink()
        assert recovers(exporter, 1)


def test_a_name_that_is_too_long_is_reported(events: Path, writer: Writer, state: Path) -> None:
    writer.write()
    long = events.with_name("x" * 300)
    with running_exporter(events, long, state=state) as exporter:
        assert exporter.tries() == 1
        assert exporter.problems() == {str(long): "file name too long"}


@pytest.mark.parametrize("kind", ["path", "pattern", "target", "folder"])
def test_names_need_not_be_utf8(tmp_path: Path, kind: str) -> None:
    state = tmp_path / BYTES / f"{BYTES}.db"
    odd = tmp_path / BYTES / "events.jsonl" if kind == "folder" else tmp_path / f"{BYTES}.jsonl"
    odd.parent.mkdir(exist_ok=True)
    state.parent.mkdir(exist_ok=True)
    writer = Writer(odd)
    writer.write(count=2)
    given = odd
    if kind == "pattern":
        given = tmp_path / (BYTES[:4] + "*.jsonl")
    elif kind == "target":
        given = tmp_path / "events.jsonl"
        given.symlink_to(odd)
    for restart in range(2):
        with running_exporter(given, state=state) as exporter:
            assert recovers(exporter, 2 + 2 * restart)
            assert exporter.get("/")[0].status == 200
            assert exporter.get("/metrics.json")[0].status == 200
            writer.write()
            assert exporter.tries() == 3 + 2 * restart
            rotate(odd)
            writer.reopen()
            writer.write()
    writer.close()


def test_an_archive_cut_while_it_is_read_is_tried_again(events: Path, writer: Writer, state: Path) -> None:
    chance = os.urandom(1500).hex
    lines = b"".join(tried(writer="w", seq=n, padding=chance()) for n in range(1, 3001))
    archive = events.with_name("events.jsonl.1.gz")
    packed = gzip.compress(lines, 1)
    archive.write_bytes(packed)
    with running_exporter(events, state=state) as exporter:
        os.truncate(archive, len(packed) // 2)
        exporter.scrape()
        archive.write_bytes(packed)
        writer.write()
        eventually(lambda: exporter.tries() == 3001)
        assert recovers(exporter, 3001)


def test_without_a_free_descriptor_it_says_so_and_continues_later(
    events: Path, writer: Writer, state: Path
) -> None:
    writer.write(count=3)
    with running_exporter(events, state=state) as exporter:
        assert exporter.tries() == 3
        pid = exporter.command.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        rotate(events)
        writer.reopen()
        writer.write(count=2)
        exporter.command.wait_for_output("too many open files")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        eventually(lambda: exporter.tries() == 5)
        assert recovers(exporter, 5)
        assert "permission denied" not in exporter.command.stderr


def test_a_deep_line_does_not_keep_the_others_from_counting(
    events: Path, writer: Writer, state: Path
) -> None:
    deep = b'{"msg":"try-provider","writer":"w","seq":1,"provider":"local","x":'
    append(events, *(deep + b"[" * depth + b"]" * depth + b"}\n" for depth in (1000, 30_000)))
    append(events, deep + b"[" * 60_000 + b"\n")
    writer.write()
    with running_exporter(events, state=state) as exporter:
        assert recovers(exporter, 2)
