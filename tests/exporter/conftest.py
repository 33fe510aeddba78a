from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.exporter.engine import EngineRig
from support.exporter.writers import Writer


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "log" / "events.jsonl"


@pytest.fixture
def writer(events: Path) -> Iterator[Writer]:
    """Return a writer whose lines carry its name and a number each."""
    events.parent.mkdir(exist_ok=True)
    writer = Writer(events)
    yield writer
    writer.close()


@pytest.fixture
def start(events: Path, tmp_path: Path) -> Iterator[Callable[..., EngineRig]]:
    """Return what starts an exporter on the event file; one that is still up is killed first."""
    engines: list[EngineRig] = []

    def start(*paths: Path, **options: object) -> EngineRig:
        stop()
        engines.append(EngineRig(*(paths or (events,)), state=tmp_path / "state" / "exporter.db", **options))  # type: ignore[arg-type]
        return engines[-1]

    def stop() -> None:
        if engines:
            engines.pop().kill()

    yield start
    stop()
