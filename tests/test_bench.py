"""What `make bench` runs, and what `make bench-compare` reports."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.__main__ import PARTS, parsed
from bench.compare import changes
from bench.figures import Figure, at_least, at_most
from bench.report import read, write

BEFORE = at_most("cost", [1.0, 1.1, 1.2, 1.1, 1.0], 1.2, "x")


def compared(before: Figure, now: Figure) -> tuple[str, bool]:
    first, *_ = changes({before.name: before}, {now.name: now})
    return first


def test_every_part_is_measured_unless_some_are_named() -> None:
    assert parsed([]) == ([*PARTS], None)
    assert parsed(["proxy", "--json", "f"]) == (["proxy"], Path("f"))
    with pytest.raises(SystemExit):
        parsed(["other"])


def test_a_median_within_the_noise_of_its_rounds_has_not_changed() -> None:
    line, is_worse = compared(BEFORE, at_most("cost", [1.15, 1.2, 1.1, 1.0, 1.25], 1.2, "x"))
    assert (line, is_worse) == ("1 figures did not change beyond noise", False)


@pytest.mark.parametrize(
    ("make", "value", "word"),
    [(at_most, 2.0, "WORSE"), (at_most, 0.5, "better"), (at_least, 2.0, "better"), (at_least, 0.5, "WORSE")],
)
def test_a_change_beyond_noise_is_better_or_worse_by_what_the_figure_is_limited_by(
    make: Callable[..., Figure], value: float, word: str
) -> None:
    line, is_worse = compared(make("speed", [1.0] * 5, 1, "x"), make("speed", [value] * 5, 1, "x"))
    assert word in line
    assert is_worse == (word == "WORSE")


def test_figures_come_back_from_their_file(tmp_path: Path) -> None:
    write(tmp_path / "bench.json", [BEFORE])
    machine, figures = read(tmp_path / "bench.json")
    assert figures == {"cost": BEFORE}
    assert machine["cores"]
