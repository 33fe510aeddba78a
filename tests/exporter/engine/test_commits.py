"""When nobody waits for a pass, what was counted is committed by time; a scrape commits first."""

from pathlib import Path

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
