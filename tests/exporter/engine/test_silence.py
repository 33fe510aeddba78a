"""What is configured or found but cannot be counted is never silent: a warning once, a series, a line on the page."""

import html
from pathlib import Path

from support.exporter.privileges import unprivileged
from support.exporter.process import CR_EXPORTER, Exporter, append, running_exporter, tried
from support.exporter.writers import Writer
from support.processes import eventually, running

BRACKETS = "no file matches; for a [ in the name itself, write [[]"


def is_reported_once(exporter: Exporter, path: Path, reason: str) -> bool:
    """Return whether the problem is in the metrics, the log, the page, the report and the answer to /-/ready."""
    for _ in range(3):
        assert exporter.problems() == {str(path): reason}
    assert exporter.command.stderr.count(reason) == 1
    assert exporter.command.stderr.count(str(path)) == 1
    assert f"{path}: {reason}" in exporter.not_ready()
    page, report = (exporter.get(name)[1].decode() for name in ("/", "/metrics.json"))
    line = page.partition(f"<code>{path}</code>")[2].partition("</li>")[0]
    return f">{html.escape(reason)}<" in line and f"{path}: {reason}" in report


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    pattern = tmp_path / "logs" / "*.jsonl"
    with running_exporter(pattern, state=tmp_path / "exporter.db") as exporter:
        assert is_reported_once(exporter, pattern, "no file matches")
        pattern.parent.mkdir()
        append(pattern.with_name("one.jsonl"), tried(writer="w", seq=1))
        eventually(lambda: not exporter.problems())
        assert exporter.is_ready()
        assert exporter.tries() == 1


def test_a_plain_path_with_brackets_is_reported_and_read_once_it_is_there(tmp_path: Path) -> None:
    events = tmp_path / "[app]" / "events[1].jsonl"
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        assert is_reported_once(exporter, events, BRACKETS)
        events.parent.mkdir(exist_ok=True)
        append(events, tried(writer="w", seq=1))
        eventually(lambda: not exporter.problems())
        assert exporter.tries() == 1


def test_an_olddir_that_is_not_there(tmp_path: Path) -> None:
    events, old = tmp_path / "events.jsonl", tmp_path / "old"
    append(events, tried(writer="w", seq=2))
    options = ("--olddir", "old")
    with running_exporter(events, state=tmp_path / "exporter.db", options=options) as exporter:
        assert is_reported_once(exporter, old, "no such folder")
        old.mkdir()
        append(old / "events.jsonl.1", tried(writer="w", seq=1))
        eventually(lambda: exporter.tries() == 2)
        assert exporter.is_ready()
        assert exporter.is_exact()


def test_an_archive_that_is_not_supported_is_reported_at_each_start(tmp_path: Path) -> None:
    events, archive = tmp_path / "events.jsonl", tmp_path / "events.jsonl.1.lz4"
    append(events, tried(writer="w", seq=1))
    append(archive, b"\x04\x22\x4d\x18 rest")
    for _ in range(2):
        with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
            assert is_reported_once(exporter, archive, "it is compressed with lz4")
            assert exporter.tries() == 1
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        archive.unlink()
        eventually(exporter.is_ready)
        assert not exporter.problems()


def test_a_folder_that_a_pattern_cannot_search(tmp_path: Path) -> None:
    closed = tmp_path / "b"
    for folder in (tmp_path / "a", closed):
        folder.mkdir()
        append(folder / "events.jsonl", tried(writer=folder.name, seq=1))
    pattern = tmp_path / "*" / "events.jsonl"
    closed.chmod(0)
    try:
        with running_exporter(pattern, state=tmp_path / "exporter.db", prefix=unprivileged()) as exporter:
            assert exporter.tries() == 1
            assert is_reported_once(exporter, closed, "permission denied")
            assert not exporter.is_exact()
            closed.chmod(0o700)
            eventually(lambda: exporter.tries() == 2)
            assert exporter.is_exact()
    finally:
        closed.chmod(0o700)


def test_a_plain_file_that_is_not_there_yet_is_told_but_no_reason_to_be_not_ready(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        assert exporter.problems() == {str(events): "no such file"}
        assert exporter.is_ready()
        assert exporter.is_exact()
        assert exporter.command.stderr.count("no such file") == 1


def test_a_pattern_never_matches_files_of_our_own(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "events.jsonl")
    writer.write()
    (tmp_path / "events.jsonl.alive").touch()
    for restart in range(2):
        with running_exporter(tmp_path / "*", state=tmp_path / "exporter.db") as exporter:
            assert exporter.tries() == 1, restart
            readable = [labels for name, labels in exporter.scrape() if name == "cr_exporter_source_readable"]
            assert readable == [(str(writer.path),)]
    writer.close()


def test_an_unknown_user_in_a_path_is_explained(tmp_path: Path) -> None:
    arguments = ("--events", "~nobody-here/events.jsonl", "--listen", "127.0.0.1:0")
    with running(CR_EXPORTER, *arguments, cwd=tmp_path) as command:
        assert command.wait() == 3
        assert "Traceback" not in command.stderr
        assert "--events" in command.stderr
    assert not any(tmp_path.iterdir())
