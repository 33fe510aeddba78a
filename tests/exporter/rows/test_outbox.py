"""Every request that ends is exported or counted as lost, whatever happens to exporter and state."""

import random
import time
from pathlib import Path

import pytest

from coderouter_exporter.families.exporter import OTLP_SENT
from coderouter_exporter.rows import outbox, pending
from coderouter_exporter.rows.outbox import Delivery
from coderouter_exporter.rows.tables import create_again
from support.exporter.engine import EngineRig
from support.exporter.process import append
from support.exporter.requests import Requests

BEGIN = round(time.time()) - 50_000.0


class Export:
    """An exporter that can be killed, and whose requests are taken by number."""

    def __init__(self, folder: Path, requests_max: int = 1000) -> None:
        self.events, self.state = folder / "events.jsonl", folder / "state.db"
        self.requests_max = requests_max
        self.requests = Requests(BEGIN)
        self.begun = 0
        self.sent: list[str] = []
        self._position = 0
        self.engine = self._engine()

    def _engine(self) -> EngineRig:
        return EngineRig(self.events, state=self.state, requests_max=self.requests_max, exports=True)

    def answer(self, number: int) -> None:
        names = [f"r{each}" for each in range(self.begun, self.begun + number)]
        self.begun += number
        append(self.events, *map(self.requests.answered, names))

    def run_pass(self) -> None:
        self.engine.run_pass()
        self.engine.build_rows()
        self.engine.run_pass()

    def take(self, number: int, *, commit: bool = True) -> None:
        if self.engine.published.unsent is None:
            return  # it has committed nothing yet
        rows = self.engine.read(lambda db: outbox.read(db, self._position, number, 1 << 20))
        self.sent += [row.values["request_id"] for row in rows]
        if rows:
            self._position = rows[-1].position
            self.engine.note(Delivery([(OTLP_SENT, ("traces",), len(rows))], rows[-1].position))
        if commit:
            self.engine.run_pass()

    def kill(self) -> None:
        self.engine.kill()
        self._position = 0
        self.engine = self._engine()

    def counted(self, name: str, *labels: str) -> float:
        return self.engine.shown().get((name, labels), 0.0)

    @property
    def lost(self) -> float:
        return self.counted("cr_exporter_otlp_lost_total", "not_kept", "traces")


@pytest.mark.parametrize("seed", range(5))
def test_kills_lose_no_request_and_what_was_sent_is_counted_with_the_position(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    export = Export(tmp_path)
    for _ in range(30):
        chance.choice(
            (
                lambda: export.answer(chance.randrange(1, 20)),
                export.run_pass,
                lambda: export.take(chance.randrange(1, 20)),
                lambda: export.take(chance.randrange(1, 20), commit=False),
                export.kill,
            )
        )()
    export.kill()
    before = export.counted("cr_exporter_otlp_sent_total", "traces")
    export.run_pass()
    already = len(export.sent)
    export.take(10_000)
    assert set(export.sent) == {f"r{each}" for each in range(export.begun)}
    committed = export.counted("cr_exporter_otlp_sent_total", "traces")
    assert committed == export.begun == before + len(export.sent) - already
    assert export.lost == 0


def test_requests_that_are_removed_first_are_counted_as_lost(tmp_path: Path) -> None:
    export = Export(tmp_path, requests_max=5)
    export.answer(8)
    export.run_pass()
    export.take(2)
    export.answer(4)
    export.run_pass()
    assert export.lost == 3 + 2
    export.run_pass()
    export.take(100)
    assert len(set(export.sent)) == len(export.sent) == export.begun - export.lost


def test_requests_that_never_become_rows_are_counted_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "REACH_BYTES_MIN", 0)
    monkeypatch.setattr(pending, "DIRECT_RECORDS_MAX", 10)
    export = Export(tmp_path, requests_max=50)
    export.answer(20_000)
    export.run_pass()
    export.take(100)
    export.run_pass()
    assert len(export.sent) == 50
    assert export.lost == 20_000 - 50


def test_a_request_whose_story_changes_is_exported_again(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.answer(1)
    export.run_pass()
    export.take(1)
    append(export.events, export.requests.line("output-filter-applied", request_id="r0", filters=["x"]))
    export.run_pass()
    export.take(1)
    assert export.sent == ["r0", "r0"]


def test_positions_continue_when_tables_are_created_again(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.answer(3)
    export.run_pass()
    export.take(3)
    export.engine.write(create_again)
    export.answer(2)
    export.run_pass()
    export.take(100)
    assert export.sent == ["r0", "r1", "r2", "r3", "r4"]


def test_without_an_export_nothing_is_collected(tmp_path: Path) -> None:
    export = Export(tmp_path)
    export.answer(3)
    export.run_pass()
    export.engine.kill()
    engine = EngineRig(export.events, state=export.state)
    export.answer(1)
    engine.run_pass()
    assert engine.published.unsent is None
    engine.kill()
    export.engine = export._engine()
    export.answer(1)
    export.run_pass()
    export.take(100)
    assert export.sent == ["r4"]
