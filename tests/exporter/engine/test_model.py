"""The totals equal what the writers wrote, whatever happens to the files and the exporter, in any order.

While system calls or commits fail they may be lower, but are said not to be exact then. `make test` runs a short
search, `make chaos` a long one.
"""

import errno
import gzip
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.exporter.engine import EngineRig, Samples
from support.exporter.os_faults import CALLS, OsFaults
from support.exporter.writers import Writer

PROVIDERS = ("a", "b")
KEPT = 4
NEVER_S = 3600.0
"""Longer than any run, so that what happens does not depend on the speed of the machine."""
RUNS = int(os.environ.get("CHAOS_RUNS", "25"))
STEPS = int(os.environ.get("CHAOS_STEPS", "40"))
TRIES = "coderouter_provider_attempts_total"
ERRORS = (
    errno.EIO,
    errno.EACCES,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.EMFILE,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)
ALWAYS = 1 << 30

verdicts: Counter[tuple[bool, bool]] = Counter()
"""How often `exact` was shown together with a right or a wrong total."""
lossy_verdicts: Counter[tuple[bool, bool]] = Counter()
"""The same after a file was removed before it was read: its loss shows only once its writers write again."""


class Killed(BaseException):
    """The exporter was killed in the middle of a step."""


class Rotation(RuleBasedStateMachine):
    """Two writers, one exporter, and everything that is done to event files."""

    numbered = True

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="model-"))
        self.path = self.folder / "events.jsonl"
        self.olddir = self.folder / "old"
        self.olddir.mkdir()
        self.writers = [Writer(self.path, numbered=self.numbered) for _ in range(2)]
        self.engine: EngineRig | None = None
        self.late_writer_s = self.commit_every_s = NEVER_S
        self.steps_to_live = -1
        self.moved = 0
        self.compressing: Path | None = None
        self.all_read = True
        self.lossy = False
        self.cut_unseen = self.gone_unseen = False
        # A file was removed, and the exporter could not know, or could not commit, that it had been read.
        self.doubtful = False
        self.seen: Samples = {}
        self.os_faults = OsFaults()
        self.commits_fail = False
        # A call or commit has failed since this exporter started; it may not have tried again yet.
        self.had_faults = False

    @initialize(late_writer_s=st.sampled_from([0.0, NEVER_S]), commit_every_s=st.sampled_from([0.0, NEVER_S]))
    def begin(self, late_writer_s: float, commit_every_s: float) -> None:
        self.late_writer_s = late_writer_s
        self.commit_every_s = commit_every_s

    @rule(who=st.integers(0, 1), provider=st.sampled_from(PROVIDERS), count=st.integers(1, 30))
    def write(self, who: int, provider: str, count: int) -> None:
        self._finish_halves()
        self.writers[who].write(provider, count)
        self.all_read = False

    @rule(who=st.integers(0, 1), provider=st.sampled_from(PROVIDERS))
    def write_half_a_line(self, who: int, provider: str) -> None:
        self._finish_halves()
        self.writers[who].write_half(provider)
        self.all_read = False

    @rule(who=st.integers(0, 1))
    def notice_the_rotation(self, who: int) -> None:
        self.writers[who].reopen()

    @rule(who=st.integers(0, 1))
    def die(self, who: int) -> None:
        self.writers[who].die()

    @rule()
    def rename_and_create(self) -> None:
        self._rename()
        self.path.touch()

    @rule()
    def rename_without_create(self) -> None:
        self._rename()

    @precondition(lambda self: self.path.exists())
    @rule()
    def copytruncate(self) -> None:
        self._finish_halves()
        self._shift()
        shutil.copy(self.path, self._rotated(1))
        os.truncate(self.path, 0)
        self.cut_unseen = True

    @precondition(lambda self: not self.compressing and self._plain())
    @rule(data=st.data())
    def begin_to_compress(self, data: st.DataObject) -> None:
        self.compressing = data.draw(st.sampled_from(self._plain()))
        packed = gzip.compress(self.compressing.read_bytes())
        self._packed(self.compressing).write_bytes(packed[: len(packed) // 2])

    @precondition(lambda self: self.compressing)
    @rule()
    def end_compressing(self) -> None:
        assert self.compressing
        self._release(self.compressing)
        content = self.compressing.read_bytes()
        half = len(content) // 2
        members = gzip.compress(content[:half]) + gzip.compress(content[half:])
        self._packed(self.compressing).write_bytes(members)
        self._unlink(self.compressing, is_lost=False)
        self.compressing = None

    @precondition(lambda self: self._plain())
    @rule(data=st.data(), by_copy=st.booleans())
    def move_to_the_olddir(self, data: st.DataObject, by_copy: bool) -> None:
        self._finish_compression()
        if self._plain():
            chosen = data.draw(st.sampled_from(self._plain()))
            self.moved += 1
            target = self.olddir / f"{self.path.name}.{self.moved}"
            if by_copy:
                self._release(chosen)
                shutil.copy2(chosen, target)
                self._unlink(chosen, is_lost=False)
            else:
                chosen.rename(target)

    @precondition(lambda self: self._plain())
    @rule(data=st.data())
    def delete_a_rotated_file(self, data: st.DataObject) -> None:
        self._finish_compression()
        if self._plain():
            self._unlink(data.draw(st.sampled_from(self._plain())))

    @rule()
    def scrape(self) -> None:
        self._compare(self._scrape())

    # No precondition: whether one runs can depend on how long calls took, and what is drawn must not.
    @rule()
    def kill(self) -> None:
        if self.engine:
            self.doubtful |= self.gone_unseen
            self.engine.kill()
            self.engine = None

    @rule(steps=st.integers(1, 12))
    def kill_in_the_middle_of_a_step(self, steps: int) -> None:
        engine = self._exporter()
        self.steps_to_live = steps
        try:
            self._compare(self._scrape())
        except Killed:
            self._assert_none_fell(engine.shown())
            self.kill()
        self.steps_to_live = -1

    def teardown(self) -> None:
        self.steps_to_live = -1
        self.os_faults.end()
        self._let_commits_work()
        try:
            self._end()
        finally:
            if self.engine:
                self.engine.kill()
            for writer in self.writers:
                writer.close()
            shutil.rmtree(self.folder)

    def _end(self) -> None:
        """Write once more with every writer and restart the exporter: then it knows what is missing."""
        self._finish_compression()
        self._finish_halves()
        for writer in self.writers:
            writer.reopen()
            writer.write("a")
        self._compare(self._scrape())
        self.kill()
        self._compare(self._scrape())

    def _scrape(self) -> Samples:
        engine = self._exporter()
        self.had_faults |= self.os_faults.lasting or self.commits_fail
        with self.os_faults.injected():
            return engine.scrape()

    def _let_commits_work(self) -> None:
        if self.commits_fail:
            self.commits_fail = False
            self._execute("DROP TRIGGER full")

    def _execute(self, statement: str) -> None:
        db = sqlite3.connect(self.folder / "state" / "exporter.db")
        db.execute(statement)
        db.close()

    def _exporter(self) -> EngineRig:
        if self.engine is None:
            self.had_faults = False
            self.engine = EngineRig(
                self.path,
                state=self.folder / "state" / "exporter.db",
                olddir=Path("old"),
                step=self._step,
                late_writer_s=self.late_writer_s,
                commit_every_s=self.commit_every_s,
            )
            self._assert_none_fell(self.engine.shown())
        return self.engine

    def _step(self, _: str) -> None:
        self.steps_to_live -= 1
        if self.steps_to_live == 0:
            raise Killed

    def _compare(self, shown: Samples) -> None:
        """Compare what the exporter shows with what the writers wrote."""
        self._assert_none_fell(shown)
        written = sum((Counter(writer.written) for writer in self.writers), Counter[str]())
        counted = Counter({name: int(shown.get((TRIES, (name,)), 0)) for name in PROVIDERS})
        missing = shown["cr_exporter_events_missing", ()]
        assert counted <= written
        assert counted.total() + missing <= written.total()
        exact = shown["cr_exporter_exact", ()] == 1
        (lossy_verdicts if self.lossy else verdicts)[exact, counted == written] += 1
        if self.had_faults and (not exact or self.os_faults.lasting):
            assert counted == written or not exact or self.lossy
            return
        self.all_read = True
        self.cut_unseen = self.gone_unseen = False
        if shown["cr_exporter_doubts", ("not_rotated",)]:
            assert not exact
        elif not self.lossy:
            assert (counted, missing) == (written, 0)
            assert self.doubtful or shown["cr_exporter_exact", ()] == (self.numbered or not written)
        assert shown["cr_exporter_duplicates_suppressed_total", ()] == 0, (
            "a file was not recognised by its content"
        )

    def _assert_none_fell(self, shown: Samples) -> None:
        fallen = {
            key: (before, shown.get(key)) for key, before in self.seen.items() if shown.get(key, 0.0) < before
        }
        assert not fallen
        self.seen = {key: value for key, value in shown.items() if key[0].endswith("_total")}

    def _finish_halves(self) -> None:
        for writer in self.writers:
            self.all_read &= not writer.finish_half()

    def _rotated(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _packed(self, path: Path) -> Path:
        return path.with_name(path.name + ".gz")

    def _plain(self) -> list[Path]:
        return [self._rotated(number) for number in range(1, KEPT + 1) if self._rotated(number).exists()]

    def _rename(self) -> None:
        self._shift()
        if self.path.exists():
            self.path.rename(self._rotated(1))

    def _shift(self) -> None:
        self._finish_compression()
        for oldest in (self._rotated(KEPT), self._packed(self._rotated(KEPT))):
            if oldest.exists():
                self._unlink(oldest)
        for number in range(KEPT - 1, 0, -1):
            for path, target in (
                (self._rotated(number), self._rotated(number + 1)),
                (self._packed(self._rotated(number)), self._packed(self._rotated(number + 1))),
            ):
                if path.exists():
                    path.rename(target)

    def _finish_compression(self) -> None:
        if self.compressing:
            self.end_compressing()

    def _release(self, path: Path) -> None:
        """Make the writers that hold the file continue with the one at the path."""
        for writer in self.writers:
            if writer.holds(path):
                writer.finish_half()
                writer.reopen()
                self.all_read = False

    def _unlink(self, path: Path, *, is_lost: bool = True) -> None:
        self._release(path)
        self.gone_unseen = True
        ends_torn = path.read_bytes()[-1:] not in (b"", b"\n")
        self.doubtful |= is_lost and (self.cut_unseen or ends_torn)
        self.lossy |= is_lost and (self.engine is None or not self.all_read)
        path.unlink()


class Faulty(Rotation):
    """The same while calls on event files and commits fail, now and then."""

    @rule(
        call=st.sampled_from(CALLS), error=st.sampled_from(ERRORS), times=st.sampled_from([1, 2, 5, ALWAYS])
    )
    def begin_to_fail(self, call: str, error: int, times: int) -> None:
        self.os_faults.begin(call, error, times)

    @rule()
    def stop_failing(self) -> None:
        self.os_faults.end()
        self._let_commits_work()

    @rule()
    def let_commits_fail(self) -> None:
        if self.engine and not self.commits_fail:
            self.commits_fail = True
            self._execute(
                "CREATE TRIGGER full BEFORE INSERT ON generation BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )


class Unnumbered(Rotation):
    """The same with lines of CodeRouter 1.7: only content and position show what has been counted."""

    numbered = False


@pytest.mark.timeout(0)
@pytest.mark.parametrize("machine", [Rotation, Unnumbered, Faulty])
def test_the_totals_equal_what_was_written_whatever_happens(machine: type[Rotation]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
    for exact, equal in ((True, True), (True, False), (False, True), (False, False)):
        numbers = f"{verdicts[exact, equal]:,}, and {lossy_verdicts[exact, equal]:,} after a removal"
        print(f"exact {exact:d} and {'equal' if equal else 'unequal'}: {numbers}")
