"""Two event files, one of CodeRouter 1.7 and one with every event of the contract, fold to exactly these bytes."""

import gzip
import re
import subprocess
from pathlib import Path

import pytest

from coderouter_events.events import EVENTS as CONTRACT
from coderouter_events.events import Event
from coderouter_exporter.families.exporter import EVENTS_READ
from coderouter_exporter.offline.fold_files import fold_files
from coderouter_exporter.render.exposition import Format
from support.exporter.golden import DATA, EVENTS_1_7, EVENTS_2, missing_lines, rendered
from support.exporter.process import CR_EXPORTER, running_exporter
from support.processes import clean_environment

EVENTS = EVENTS_1_7
METRICS = (DATA / "coderouter-1.7.prom").read_bytes()


def fold(*files: Path, timezone: str = "UTC") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [CR_EXPORTER, "fold", *files], env=clean_environment(TZ=timezone), capture_output=True, check=False
    )


@pytest.mark.parametrize("name", ["coderouter-1.7", "coderouter-2"])
def test_the_file_folds_to_exactly_these_metrics(name: str) -> None:
    folded = fold(DATA / f"{name}.jsonl")
    assert (folded.returncode, folded.stderr) == (0, b"")
    assert folded.stdout == (DATA / f"{name}.prom").read_bytes(), (
        "run `make golden` and review the difference"
    )


def test_openmetrics_has_the_same_totals_and_exemplars() -> None:
    expected = (DATA / "coderouter-2.om").read_bytes()
    assert rendered(EVENTS_2, Format.OPENMETRICS) == expected, "run `make golden` and review the difference"


def test_every_event_of_the_contract_is_in_the_newer_file() -> None:
    text = EVENTS_2.read_text(encoding="utf-8")
    written = set(re.findall(r'"msg":"([a-z-]+)"', text))
    assert {event.msg for event in CONTRACT} <= written, "run `make golden` and review the difference"


@pytest.mark.parametrize("event", CONTRACT, ids=lambda event: event.msg)
def test_a_sample_line_of_any_event_is_counted(event: type[Event], tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    lines = EVENTS_2.read_text(encoding="utf-8").splitlines(keepends=True)
    without = [line for line in lines if f'"msg":"{event.msg}"' not in line]
    events.write_text("".join(without), encoding="utf-8")
    [added] = missing_lines(events)
    events.write_text("".join([*without, added]), encoding="utf-8")
    assert fold_files([events]).counts[EVENTS_READ.name][event.msg,] == 1


def test_a_compressed_file_folds_to_the_same(tmp_path: Path) -> None:
    compressed = tmp_path / "events.jsonl.1.gz"
    content = EVENTS.read_bytes()
    half = content.index(b"\n", len(content) // 2) - 10
    compressed.write_bytes(gzip.compress(content[:half]) + gzip.compress(content[half:]))
    assert fold(compressed).stdout == METRICS


def test_several_files_fold_as_one(tmp_path: Path) -> None:
    content = EVENTS.read_bytes()
    half = content.index(b"\n", len(content) // 2) + 1
    old, new = tmp_path / "events.jsonl.1", tmp_path / "events.jsonl"
    old.write_bytes(content[:half])
    new.write_bytes(content[half:])
    assert fold(old, new).stdout == METRICS


def test_the_live_exporter_serves_the_same(tmp_path: Path) -> None:
    with running_exporter(EVENTS, state=tmp_path / "exporter.db", TZ="UTC") as exporter:
        _, body = exporter.get("/metrics")
    served = body.decode().splitlines()
    for line in METRICS.decode().splitlines():
        assert line in served or line.startswith(("coderouter_uptime_seconds", "cr_exporter_checkpoint_"))


def test_a_time_without_a_zone_is_in_the_time_zone_of_the_machine() -> None:
    tokyo = fold(EVENTS, timezone="Asia/Tokyo").stdout.decode()
    assert "coderouter_uptime_seconds 13.0\n" in tokyo
    assert f"coderouter_last_event_timestamp_seconds {1795461431 - 9 * 3600:.0f}\n".encode() not in METRICS
    assert "coderouter_last_event_timestamp_seconds 1.795429031e+09\n" in tokyo


def test_a_damaged_compressed_file_is_named_and_nothing_is_printed(tmp_path: Path) -> None:
    damaged = tmp_path / "events.jsonl.1.gz"
    damaged.write_bytes(gzip.compress(EVENTS.read_bytes())[:-20])
    folded = fold(damaged)
    assert (folded.returncode, folded.stdout) == (3, b"")
    assert folded.stderr.decode().startswith(f"cr-exporter: cannot read {damaged} to its end")
    assert folded.stderr.count(b"\n") == 1


def test_a_missing_file_is_named() -> None:
    folded = fold(Path("nowhere.jsonl"))
    assert folded.returncode == 2
    assert b"nowhere.jsonl" in folded.stderr
