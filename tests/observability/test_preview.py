"""The generated hour of the preview is one that a proxy could have written."""

from pathlib import Path

from coderouter_exporter.families.proxy import CLIENT_REQUESTS, PROVIDER_ATTEMPTS, PROVIDER_OUTCOMES
from coderouter_exporter.offline.fold_files import fold_files
from coderouter_proxy.eventlog.writer import EventLog
from observability.expected import Expected
from preview.sample_hour import HOUR_S, write_hour

NOON = 1_795_435_200.0


def test_every_event_counts_and_every_attempt_has_an_outcome(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write_hour(EventLog(path), NOON, seed=1)
    state = fold_files([path])
    assert not any(state.doubts.values())
    finished = len(Expected(tmp_path).finished)
    assert finished > 1000
    assert sum(state.totals(CLIENT_REQUESTS).values()) == finished
    assert state.last_event_ts > NOON - HOUR_S / 60
    tries = sum(state.totals(PROVIDER_ATTEMPTS).values())
    ended = sum(n for (_, how), n in state.totals(PROVIDER_OUTCOMES).items() if how != "failed_midstream")
    assert 0 <= tries - ended < 10, "those in flight when the hour ended"


def test_the_same_seed_gives_the_same_hour(tmp_path: Path) -> None:
    logs = [EventLog(tmp_path / name) for name in ("a", "b")]
    for log in logs:
        write_hour(log, NOON, seed=7)
    first, second = ((tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first.replace(logs[0].writer.encode(), b"") == second.replace(logs[1].writer.encode(), b"")
