"""The shipped stanza with the real logrotate, while real writers write and a real exporter counts."""

import gzip
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import pytest

from support import events as lines
from support.exporter.logrotate import STANZA, Logrotate
from support.exporter.process import append, running_exporter, tried
from support.load import loading
from support.processes import eventually, running
from support.proxy.process import config, serving

ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
LINES = 6_000
LINES_PER_S = 2_000


@pytest.fixture
def events(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log" / "events.jsonl"


def texts(events: Path) -> Iterator[bytes]:
    """Yield the contents of the event file and the rotated ones."""
    for path in events.parent.glob(f"{events.name}*"):
        yield gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_forced_rotations_lose_no_event_of_a_writer_under_load(tmp_path: Path, events: Path) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events)
    writing = (sys.executable, "-m", "support.exporter.writer", events, str(LINES), str(LINES_PER_S))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        with running(*writing, env=environment) as writer:
            eventually(exporter.tries)
            while writer.process.poll() is None:
                logrotate.force()
                # Rotations between two passes of the exporter are one for it, and none without a new file.
                eventually(lambda: events.exists() or writer.process.poll() is not None)
                exporter.tries()
            assert writer.wait() == 0, writer.stderr
        rotated = len(list(events.parent.glob("events.jsonl-*")))
        samples = exporter.scrape()
    assert rotated >= 2
    assert sum(text.count(b"\n") for text in texts(events)) == LINES
    assert samples["coderouter_provider_attempts_total", ("local",)] == LINES
    noticed = samples["cr_exporter_rotations_total", ("rename",)]
    # The last rotation may come after the last line; then no new file follows it.
    assert noticed in (rotated - 1, rotated)
    assert samples["cr_exporter_lines_total", ("event",)] == LINES
    assert samples["cr_exporter_exact", ()] == 1


def test_an_exporter_that_was_down_during_all_rotations_counts_every_event(
    tmp_path: Path, events: Path
) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events)
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        append(events, *(tried(writer="w", seq=seq) for seq in range(1, 11)))
        assert exporter.tries() == 10
        exporter.command.stop(SIGKILL)
    for first in range(11, 41, 10):
        append(events, *(tried(writer="w", seq=seq) for seq in range(first, first + 10)))
        logrotate.force()
    append(events, tried(writer="w", seq=41))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        assert exporter.tries() == 41
        assert exporter.scrape()["cr_exporter_exact", ()] == 1


def test_forced_rotations_lose_no_event_of_a_proxy_under_load(tmp_path: Path, events: Path) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events)
    with (
        serving(tmp_path, config([ECHO]), "--workers", "2", events_path=events) as proxy,
        running_exporter(events, state=tmp_path / "exporter.db") as exporter,
        loading(proxy.port, clients=4) as load,
    ):
        for _ in range(3):
            seen = load.answered
            eventually(lambda seen=seen: load.answered > seen + 20)  # type: ignore[misc]
            logrotate.force()
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        assert exporter.tries("echo") == load.answered
        assert exporter.scrape()["cr_exporter_exact", ()] == 1
    assert load.unexpected == []
    assert sum(text.count(b'"msg":"request-finished"') for text in texts(events)) == load.answered


def test_a_new_file_that_logrotate_moved_away_is_counted(tmp_path: Path, events: Path) -> None:
    append(events, tried(writer="w", seq=3))
    append(events.with_name("events.jsonl-20261123-1795461418"), tried(writer="w", seq=1))
    append(events.with_name("events.jsonl-2026112319.backup"), tried(writer="w", seq=2))
    with running_exporter(events, state=tmp_path / "exporter.db") as exporter:
        assert exporter.tries() == 3
        assert exporter.scrape()["cr_exporter_exact", ()] == 1


def test_the_rotated_files_are_named_and_kept_as_the_exporter_finds_them(
    tmp_path: Path, events: Path
) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events)
    append(events, tried())
    logrotate.force()
    one = sorted(path.name for path in events.parent.iterdir())
    append(events, tried())
    logrotate.force()
    two = sorted(path.name for path in events.parent.iterdir())
    [first] = one
    assert re.fullmatch(r"events\.jsonl-\d{8}-\d{10}", first)
    assert two[0] == first + ".gz"
    assert re.fullmatch(r"events\.jsonl-\d{8}-\d{10}", two[1])


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(tmp_path: Path, events: Path) -> None:
    append(events, tried())
    output = Logrotate(tmp_path / "logrotate", events).dry_run()
    assert re.search(r"renaming \S+/events\.jsonl to \S+/events\.jsonl-\d{8}-\d{10}\n", output)
    assert "creating new" not in output
    assert lines.read(events, "try-provider") != []
    assert [path.name for path in events.parent.iterdir()] == ["events.jsonl"]


def test_a_missing_or_empty_event_file_is_not_an_error(tmp_path: Path, events: Path) -> None:
    logrotate = Logrotate(tmp_path / "logrotate", events)
    logrotate.force()
    events.touch()
    output = logrotate.force()
    assert "log does not need rotating" in output or "log is empty" in output


def test_the_shipped_stanza_sends_no_signal_never_truncates_and_lets_the_proxy_create_the_new_file() -> None:
    directives = [line.split()[0] for line in STANZA.read_text().splitlines() if line.startswith("\t")]
    assert not {"postrotate", "prerotate", "copytruncate", "copy", "renamecopy", "create"} & set(directives)
    assert {"nocreate", "delaycompress", "dateext", "su"} <= set(directives)
