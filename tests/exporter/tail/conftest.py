"""Fixtures of tails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.tail.tail_rig import TailRig


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def tail(path: Path) -> Iterator[TailRig]:
    tail = TailRig(path)
    yield tail
    tail.close()
