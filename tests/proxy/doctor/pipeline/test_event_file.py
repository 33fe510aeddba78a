"""The event file is checked for being writable and for free space, without writing to it."""

import os
from pathlib import Path

import pytest

from support.disk import small_disk
from support.exporter.process import append, tried
from support.proxy.pipeline import Pipeline


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_an_event_file_that_cannot_be_written_is_reported(
    kind: str, pipeline: Pipeline, tmp_path: Path
) -> None:
    path = tmp_path / "events"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    result = pipeline.check(events_path=path)["events/event file"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.startswith(f"{path} cannot be written: ")


def test_a_disk_that_is_nearly_full_is_reported(pipeline: Pipeline, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 512) as disk:
        result = pipeline.check(events_path=disk.folder / "events.jsonl")["events/event file"]
    assert result.verdict == "NEEDS_TUNING"
    assert result.message.endswith("can be written, only 1 MB free")


def test_checking_the_event_file_does_not_change_it(pipeline: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, tried(writer="w", seq=1), b"half a li")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    pipeline.check(events_path=path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_with_events_off_the_result_says_that_nothing_is_counted(pipeline: Pipeline) -> None:
    result = pipeline.check(events_path=None)["events/event file"]
    assert (result.verdict, result.message) == ("SKIP", "events are off: nothing is written or counted")
