"""Budgets: what is spent in a month, shared by processes, with a file that may be locked or unwritable."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.config.schema import Cost, Provider
from coderouter_proxy.routing import cost
from coderouter_proxy.routing.cost import Budgets
from support.processes import eventually
from support.proxy.spend_file import locked, written

PRICES: dict[str, Any] = {"input_per_mtok": 3, "output_per_mtok": 15}


def cloud(budget_usd: float | None, name: str = "cloud") -> Provider:
    price = Cost(**PRICES, monthly_budget_usd=budget_usd)
    return Provider(name=name, base_url="http://h", model="m", cost=price)


def test_a_budget_is_exceeded_once_it_is_reached(tmp_path: Path) -> None:
    budgets = Budgets(tmp_path / "spend.db")
    for _ in range(3):
        assert budgets.over(cloud(0.3)) is None
        budgets.spend(cloud(0.3), 0.1)
    assert budgets.over(cloud(0.3)) == (0.3, 0.3)
    assert budgets.over(cloud(0.31)) is None
    assert budgets.over(cloud(None)) is None
    assert budgets.over(cloud(0.3, "other")) is None
    assert budgets.over(cloud(0)) == (0.3, 0)


def test_a_new_month_starts_at_zero(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    Budgets(path).spend(cloud(1), 0.25)
    with closing(sqlite3.connect(path)) as database, database:
        [(month, micro_usd)] = database.execute("SELECT month, micro_usd FROM spent")
        assert (month, micro_usd) == (time.strftime("%Y-%m", time.gmtime()), 250_000)
        database.execute("UPDATE spent SET month = '2024-02'")
    budgets = Budgets(path)
    assert budgets.spent_usd("cloud") == 0
    budgets.spend(cloud(1), 0.5)
    assert budgets.spent_usd("cloud") == 0.5
    with closing(sqlite3.connect(path)) as database:
        assert sorted(database.execute("SELECT micro_usd FROM spent")) == [(250_000,), (500_000,)]


def test_spending_counts_while_the_file_cannot_be_written_and_is_written_later(tmp_path: Path) -> None:
    path = tmp_path / "state" / "spend.db"
    path.mkdir(parents=True)
    budgets = Budgets(path)
    budgets.spend(cloud(1), 0.4)
    budgets.spend(cloud(1), 0.4)
    assert budgets.spent_usd("cloud") == 0.8
    path.rmdir()
    budgets.spend(cloud(1), 0.4)
    assert budgets.over(cloud(1)) == (1.2, 1)
    assert Budgets(path).spent_usd("cloud") == 1.2


@contextmanager
def started(path: Path) -> Iterator[Budgets]:
    """Run budgets as a server does, with a thread that writes."""
    with closing(Budgets(path)) as budgets:
        budgets.start()
        yield budgets


def test_spending_is_in_the_file_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    with started(path) as budgets:
        budgets.spend(cloud(1), 0.25)
        eventually(lambda: written(path) == 250_000)


def test_a_locked_file_delays_no_decision_is_logged_once_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "spend.db"
    Budgets(path).spend(cloud(2), 0.25)
    with started(path) as budgets:
        with locked(path) as database:
            budgets.spend(cloud(2), 0.75)
            assert budgets.over(cloud(1)) == (1.0, 1)
            assert caplog.messages == [], "neither waited for the lock"
            eventually(lambda: caplog.messages)
            budgets.spend(cloud(2), 1)
            assert budgets.over(cloud(2)) == (2.0, 2)
            assert database.execute("SELECT micro_usd FROM spent").fetchall() == [(250_000,)]
        eventually(lambda: written(path) == 2_000_000)
        eventually(lambda: len(caplog.messages) == 2)
    assert caplog.messages == [
        f"cannot use {path} (database is locked); spending is only in memory until it works again",
        f"{path} can be used again; all spending is written",
    ]


def test_a_file_locked_at_the_start_is_read_when_the_lock_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    with locked(path) as database:
        database.execute("INSERT INTO spent VALUES (?, 'cloud', 500000)", [cost._month()])
        budgets = Budgets(path)
        budgets.start()
        budgets.spend(cloud(1), 0.5)
        assert budgets.spent_usd("cloud") == 0.5
    eventually(lambda: budgets.over(cloud(1)) == (1.0, 1))
    budgets.close()
    assert written(path) == 1_000_000


def test_the_end_waits_for_a_lock_and_writes_what_is_left(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    Budgets(path).spend(cloud(1), 0.25)
    with started(path) as budgets:
        with locked(path):
            budgets.spend(cloud(1), 0.5)
            end = threading.Thread(target=budgets.close)
            end.start()
        end.join()
    assert written(path) == 750_000


@pytest.mark.parametrize(("usd", "spent_usd"), [(2.0**80, 1e9), (-1.0, 0)])
def test_an_absurd_amount_does_no_harm(usd: float, spent_usd: float, tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    with started(path) as budgets:
        budgets.spend(cloud(1), usd)
        assert budgets.spent_usd("cloud") == spent_usd
    assert written(path) == spent_usd * cost.MICRO


def test_spending_that_can_never_be_written_is_logged_as_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "spend.db"
    path.mkdir()
    with started(path) as budgets:
        budgets.spend(cloud(1), 0.5)
    assert caplog.messages[-1] == f"{path}: 0.5 dollars of spending could not be written and are lost"


def test_what_one_process_spends_counts_in_another_at_once(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    with started(path) as one, started(path) as other, locked(path):
        one.spend(cloud(1), 0.25)
        assert other.spent_usd("cloud") == 0.25
        other.spend(cloud(1), 0.75)
        assert one.over(cloud(1)) == other.over(cloud(1)) == (1.0, 1)
        assert one.over(cloud(1, "other")) is None
    assert written(path) == 1_000_000
    assert Budgets(path).spent_usd("cloud") == 1


def test_without_shared_totals_other_processes_count_from_the_next_amount(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    (tmp_path / "spend.db-live").mkdir()
    with started(path) as one, started(path) as other:
        one.spend(cloud(1), 0.25)
        eventually(lambda: written(path) == 250_000)
        other.spend(cloud(1), 0.25)
        eventually(lambda: other.spent_usd("cloud") == 0.5)
    assert written(path) == 500_000


def test_shared_totals_end_with_the_last_process(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    with started(path) as budgets:
        budgets.spend(cloud(1), 0.25)
    path.unlink()
    with started(path) as budgets:
        assert budgets.spent_usd("cloud") == 0


def test_a_file_that_is_removed_while_in_use_is_created_again(tmp_path: Path) -> None:
    path = tmp_path / "spend.db"
    with started(path) as budgets:
        budgets.spend(cloud(1), 0.25)
        eventually(lambda: written(path) == 250_000)
        for left in tmp_path.glob("spend.db*"):
            left.unlink()
        budgets.spend(cloud(1), 0.5)
        eventually(lambda: written(path) == 500_000)
        assert budgets.spent_usd("cloud") == 0.75


def test_without_a_file_nothing_is_kept() -> None:
    budgets = Budgets(None)
    budgets.spend(cloud(1), 5)
    assert budgets.spent_usd("cloud") == 0
