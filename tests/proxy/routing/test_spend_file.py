"""No number in the spend file, or beside it, keeps budgets from working."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Cost, Provider
from coderouter_proxy.routing import cost
from coderouter_proxy.routing.cost import Budgets
from coderouter_proxy.routing.shared_totals import CELL_BYTES, NUMBER_BYTES, SUFFIX
from coderouter_proxy.routing.spend_file import TOTAL_MAX
from support.processes import eventually

CLOUD = Provider(
    name="cloud",
    base_url="http://h",
    model="m",
    cost=Cost(input_per_mtok=3, output_per_mtok=15, monthly_budget_usd=1),
)
POISON: dict[str, object] = {
    "text": "abc",
    "a number as text that is none": "9e999",
    "bytes": b"\xff\xfe",
    "null": None,
    "a fraction": 0.5,
    "infinite": float("inf"),
    "negative": -1,
    "larger than any amount": TOTAL_MAX + 1,
    "the largest of SQLite": 2**63 - 1,
}


def put(path: Path, provider: object, amount: object) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        row = (time.strftime("%Y-%m", time.gmtime()), provider, amount)
        database.execute("INSERT OR REPLACE INTO spent VALUES (?, ?, ?)", row)


def amounts(path: Path) -> list[tuple[object, object]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT provider, micro_usd FROM spent ORDER BY rowid").fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the table and nothing in it."""
    path = tmp_path / "spend.db"
    with closing(Budgets(path)) as budgets:
        budgets.spend(CLOUD, 0.000_001)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM spent")
    return path


@pytest.fixture
def running(path: Path) -> Iterator[Budgets]:
    with closing(Budgets(path)) as budgets:
        budgets.start()
        yield budgets


@pytest.mark.parametrize("amount", POISON.values(), ids=POISON)
def test_a_row_that_holds_no_amount_is_dropped(
    amount: object, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(path, "cloud", amount)
    with closing(Budgets(path)) as budgets:
        budgets.start()
        assert budgets.spent_usd("cloud") == 0
        budgets.spend(CLOUD, 0.25)
        eventually(lambda: amounts(path) == [("cloud", 250_000)])
        budgets.spend(CLOUD, 0.75)
        eventually(lambda: amounts(path) == [("cloud", 1_000_000)])
        assert budgets.over(CLOUD) == (1.0, 1)
    assert caplog.messages == []


@pytest.mark.parametrize("name", [b"\xff", 5, None], ids=["bytes", "a number", "null"])
def test_a_row_without_the_name_of_a_provider_is_left_alone(name: object, path: Path) -> None:
    put(path, name, 5)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO spent SELECT month, CAST(x'ff61' AS TEXT), 5 FROM spent")
    with closing(Budgets(path)) as budgets:
        budgets.spend(CLOUD, 0.25)
        assert budgets.spent_usd("cloud") == 0.25


def test_a_total_does_not_grow_beyond_what_the_file_holds(path: Path) -> None:
    put(path, "cloud", TOTAL_MAX)
    with closing(Budgets(path)) as budgets:
        budgets.spend(CLOUD, 1e300)
    assert amounts(path) == [("cloud", TOTAL_MAX)]


def test_a_damaged_file_of_shared_totals_does_not_count(running: Budgets, path: Path) -> None:
    running.spend(CLOUD, 0.25)
    live = path.with_name(path.name + SUFFIX)
    cells = bytearray(live.read_bytes())
    assert len(cells) == CELL_BYTES
    cells[:NUMBER_BYTES] = b"\xff" * NUMBER_BYTES
    live.write_bytes(cells)

    assert running.over(CLOUD) is None
    running.spend(CLOUD, 0.5)

    assert running.spent_usd("cloud") == 0.75
    eventually(lambda: amounts(path) == [("cloud", 750_000)])


def test_any_usage_has_a_price_that_can_be_written() -> None:
    most = Cost(input_per_mtok=1e308, output_per_mtok=1e308)
    usage = Usage(10**9, 10**9, 10**9, 10**9)
    assert cost.price(usage, most) == cost.AMOUNT_MAX / cost.MICRO
