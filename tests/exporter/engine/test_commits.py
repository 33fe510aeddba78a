"""When nobody waits for a pass, what was counted is committed by time; a scrape commits first."""

from pathlib import Path

import pytest

from coderouter_exporter.engine.commit_pace import LITTLE_BYTES_MAX, RARELY, SELDOM, CommitPace
from support.exporter.engine import EngineRig
from support.exporter.process import append, tried

NEVER_S = 1e9


def test_a_pass_that_nobody_waits_for_leaves_the_commit_to_a_later_one(tmp_path: Path) -> None:
    events, state = tmp_path / "events.jsonl", tmp_path / "exporter.db"
    append(events, tried(writer="w", seq=1))
    engine = EngineRig(events, state=state, commit_every_s=NEVER_S)
    engine.run_pass(asked=False)
    caught_up = engine.published
    append(events, tried(writer="w", seq=2))
    engine.run_pass(asked=False)
    assert engine.published.document == caught_up.document, "what is not committed is not shown"
    assert engine.tries() == 2
    append(events, tried(writer="w", seq=3))
    engine.run_pass(asked=False)
    engine.kill()
    continued = EngineRig(events, state=state)
    assert continued.tries() == 3
    continued.kill()


def test_it_commits_when_it_is_due(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    append(events, tried(writer="w", seq=1))
    engine = EngineRig(events, state=tmp_path / "exporter.db", commit_every_s=0.0)
    engine.run_pass(asked=False)
    before = engine.published.document
    append(events, tried(writer="w", seq=2))
    engine.run_pass(asked=False)
    assert engine.published.document != before
    engine.kill()


def pace_after(number: int, monkeypatch: pytest.MonkeyPatch) -> CommitPace:
    """Return the pace after so many bytes were counted, at 0 s; it commits every second if somebody waits."""
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    pace = CommitPace(every_s=1.0)
    pace.read(number)
    return pace


@pytest.mark.parametrize(
    ("asked", "caught_up", "can_wait", "number", "times"),
    [
        (True, True, True, 1, 1),
        (True, False, True, 1, RARELY),
        (False, True, False, 1, RARELY),
        (False, True, True, LITTLE_BYTES_MAX, RARELY),
        (False, True, True, 1, SELDOM),
    ],
    ids=["somebody waits", "it catches up", "rows are exported", "much is not committed", "nobody waits"],
)
def test_it_commits_as_often_as_somebody_needs_it(
    monkeypatch: pytest.MonkeyPatch, asked: bool, caught_up: bool, can_wait: bool, number: int, times: int
) -> None:
    pace = pace_after(number, monkeypatch)
    for now_s in (times - 1.0, float(times)):
        monkeypatch.setattr("time.monotonic", lambda now_s=now_s: now_s)
        is_due = pace.is_due(asked=asked, caught_up=caught_up, can_wait=can_wait)
        assert is_due == (now_s == times)


def test_what_is_committed_is_no_longer_much(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = pace_after(LITTLE_BYTES_MAX, monkeypatch)
    pace.ended(0.0, worked=True)
    monkeypatch.setattr("time.monotonic", lambda: float(RARELY))
    assert not pace.is_due(asked=False, caught_up=True, can_wait=True)
