"""SIGKILL at every step between reading and publishing, and at every write of a commit, loses nothing."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.exporter.engine import EngineRig, is_exact
from support.exporter.rotation import rotate
from support.exporter.writers import Writer
from support.forked import TESTS
from support.processes import clean_environment
from support.run_command import run

ROUNDS_MAX = 80
ROTATIONS = 4
NEVER = 0

Shown = tuple[list[float], bool]
"""The totals that an exporter showed before and after a pass, and whether it survived the pass."""


def shown(events: Path, state: Path, *, step: int = NEVER, strace: tuple[str, ...] = ()) -> Shown:
    """Run a real exporter that is killed at this step, or by strace."""
    program = (sys.executable, "-m", "support.exporter.killed_exporter", events, state, str(step))
    ended = run((*strace, *program), clean_environment(PYTHONPATH=str(TESTS)))
    assert ended.code in (0, -signal.SIGKILL), ended.stderr
    return [float(total) for total in ended.stdout.split()], ended.code == 0


def sweep(folder: Path, killed_at: Callable[[Path, Path, int], Shown]) -> int:
    """Write, rotate and start an exporter that dies one step later each time, until one survives; return its number."""
    events, state = folder / "events.jsonl", folder / "exporter.db"
    writer = Writer(events)
    written = 0
    seen = [0.0]
    number = 0
    for number in range(1, ROUNDS_MAX):
        writer.write(count=3)
        if number <= ROTATIONS:
            rotate(events)
        writer.write(count=2)
        writer.reopen()
        writer.write()
        written += 6
        totals, survived = killed_at(events, state, number)
        assert seen + totals == sorted(seen + totals), "a counter fell"
        seen = [max(seen + totals)]
        if survived:
            break
    assert seen == [written]
    engine = EngineRig(events, state=state)
    assert is_exact(engine, written)
    engine.kill()
    writer.close()
    return number


def test_kill_sweep_over_the_steps_of_the_loop(tmp_path: Path) -> None:
    assert sweep(tmp_path, lambda events, state, step: shown(events, state, step=step)) > 5


def can_trace() -> bool:
    strace = shutil.which("strace")
    return (
        strace is not None
        and not subprocess.run([strace, "-qqf", "true"], check=False, stderr=subprocess.DEVNULL).returncode
    )


@pytest.mark.skipif(not can_trace(), reason="strace is not installed, or may not trace here")
@pytest.mark.parametrize("call", [pytest.param("pwrite64", marks=pytest.mark.long), "fdatasync", "ftruncate"])
def test_kill_sweep_over_the_writes_of_a_commit(tmp_path: Path, call: str) -> None:
    def killed_at(events: Path, state: Path, number: int) -> Shown:
        inject = ("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
        return shown(events, state, strace=("strace", "-f", "-qq", "-o", os.devnull, *inject))

    assert sweep(tmp_path, killed_at) > 2
