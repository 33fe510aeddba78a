"""A sample of what `make fuzz` runs at length."""

import asyncio
from collections.abc import Callable

import pytest

from fuzz import body_cases, case, http_cases, lines
from fuzz.case import Case
from fuzz.run import run

SEED = "sample"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "made", [case.case, http_cases.case, body_cases.case], ids=["answers", "http", "bodies"]
)
def test_damage_from_outside_is_answered_and_counted(made: Callable[[int, str], Case]) -> None:
    result = asyncio.run(run(made(number, SEED) for number in range(300)))
    assert result.ends.total() == 300
    assert [wrong for wrong in result.wrong if "the loop was held" not in wrong] == []


def test_damaged_event_lines_are_counted() -> None:
    result = lines.run(5_000, SEED)
    assert result.wrong == []
    assert result.results.total() >= 5_000
