"""What is gone for a day leaves the state and the metrics, but not before, and not what only cannot be read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.exporter.engine import EngineRig
from support.exporter.process import append, tried

AT_ONCE_S = 1e-9
READABLE = "cr_exporter_source_readable"

Start = Callable[..., EngineRig]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log"


def readable(engine: EngineRig) -> list[str]:
    return [Path(labels[0]).name for name, labels in engine.scrape() if name == READABLE]


def files_known(engine: EngineRig) -> int:
    return len(engine.published.document.decode().checkpoints)


def test_a_removed_file_of_a_glob_leaves_the_metrics_and_the_state_and_its_counts_stay(
    folder: Path, start: Start
) -> None:
    one, two = folder / "one.jsonl", folder / "two.jsonl"
    append(one, tried(writer="w", seq=1))
    append(two, tried(writer="v", seq=1))
    engine = start(folder / "*.jsonl", late_writer_s=0.0, gone_kept_s=AT_ONCE_S)
    assert (readable(engine), files_known(engine)) == (["one.jsonl", "two.jsonl"], 2)
    one.unlink()
    for _ in range(4):
        engine.scrape()
    assert (readable(engine), files_known(engine)) == (["two.jsonl"], 1)
    assert engine.tries() == 2
    assert engine.scrape()["cr_exporter_exact", ()] == 1


def test_until_then_it_stays(folder: Path, start: Start) -> None:
    one = folder / "one.jsonl"
    append(one, tried(writer="w", seq=1))
    engine = start(folder / "*.jsonl", late_writer_s=0.0)
    engine.scrape()
    one.unlink()
    for _ in range(4):
        engine.scrape()
    assert (readable(engine), files_known(engine)) == (["one.jsonl"], 1)


def test_a_file_that_comes_back_is_found_again_and_its_old_lines_do_not_count_twice(
    folder: Path, start: Start
) -> None:
    one = folder / "one.jsonl"
    append(one, tried(writer="w", seq=1))
    options = {"late_writer_s": 0.0, "gone_kept_s": AT_ONCE_S}
    engine = start(folder / "*.jsonl", **options)
    engine.scrape()
    one.unlink()
    for _ in range(4):
        engine.scrape()
    append(one, tried(writer="w", seq=1), tried(writer="w", seq=2))
    engine = start(folder / "*.jsonl", **options)
    assert engine.tries() == 2
    assert readable(engine) == ["one.jsonl"]


def test_a_configured_path_keeps_its_series(folder: Path, start: Start) -> None:
    one = folder / "one.jsonl"
    append(one, tried(writer="w", seq=1))
    engine = start(one, late_writer_s=0.0, gone_kept_s=AT_ONCE_S)
    engine.scrape()
    one.unlink()
    for _ in range(4):
        engine.scrape()
    assert (readable(engine), files_known(engine)) == (["one.jsonl"], 0)


def test_a_file_that_vanished_while_no_exporter_ran_is_counted_when_it_is_forgotten(
    folder: Path, start: Start
) -> None:
    one = folder / "one.jsonl"
    append(one, tried(writer="w", seq=1))
    start(one, gone_kept_s=AT_ONCE_S).scrape()
    one.unlink()
    engine = start(one, gone_kept_s=AT_ONCE_S)
    for _ in range(4):
        engine.scrape()
    assert files_known(engine) == 0
    assert engine.scrape()["cr_exporter_unmatched_checkpoints_total", ()] == 1


def test_files_that_are_not_configured_now_are_forgotten_once_they_are_gone(
    folder: Path, start: Start
) -> None:
    one, two = folder / "one.jsonl", folder / "two.jsonl"
    for path in (one, two):
        append(path, tried(writer=path.name, seq=1))
    start(one, two).scrape()
    engine = start(two, gone_kept_s=AT_ONCE_S)
    append(two, tried(writer="two.jsonl", seq=2))
    engine.scrape()
    assert files_known(engine) == 2, "it is still there"
    one.unlink()
    for number in range(3, 6):
        append(two, tried(writer="two.jsonl", seq=number))
        engine.scrape()
    assert files_known(engine) == 1


def test_a_folder_that_cannot_be_reached_is_not_gone(folder: Path, start: Start) -> None:
    looping = folder / "loop"
    one = folder / "now" / "one.jsonl"
    one.parent.mkdir()
    append(one, tried(writer="w", seq=1))
    engine = start(one, late_writer_s=0.0, gone_kept_s=AT_ONCE_S)
    engine.scrape()
    one.parent.rename(folder / "away")
    looping.symlink_to(looping)
    one.parent.symlink_to(looping)
    engine = start(one, late_writer_s=0.0, gone_kept_s=AT_ONCE_S)
    for _ in range(4):
        engine.scrape()
    assert files_known(engine) == 1
