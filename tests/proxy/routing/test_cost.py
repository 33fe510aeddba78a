"""What answers cost, to the micro-dollar, and budgets across restarts, workers, and a locked or unwritable file."""

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Cost, Provider
from coderouter_proxy.routing import cost
from coderouter_proxy.routing.cost import Budgets
from support import events
from support.processes import eventually
from support.proxy import anthropic_answers, process
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, serving, write_config
from support.proxy.upstream import CUT, stream, whole
from support.proxy.upstream import Provider as FakeProvider

SONNET = Cost(input_per_mtok=3, output_per_mtok=15)
# Of 10 input tokens, 3 output tokens and 2 from the cache, as the fake upstream counts.
ONE_ANSWER = 76  # micro-dollars
ONE_ANSWER_USD = ONE_ANSWER / cost.MICRO
PRICES: dict[str, Any] = {"input_per_mtok": 3, "output_per_mtok": 15}


@pytest.mark.parametrize(
    ("usage", "price", "usd"),
    [
        (Usage(1_000_000, 1_000_000), SONNET, 18.0),
        (Usage(1, 0), SONNET, 0.000_003),
        (Usage(10, 3, 2, 0), SONNET, 0.000_076),
        (Usage(12_345, 678, 90_123, 4_567), SONNET, 0.091_368),
        (Usage(0, 0, 1_000_000, 0), SONNET, 0.3),
        (Usage(0, 0, 0, 1_000_000), SONNET, 3.75),
        (Usage(0, 0, 1_000_000, 0), Cost(**PRICES, cache_read_per_mtok=0.5), 0.5),
        (Usage(0, 0, 0, 1_000_000), Cost(**PRICES, cache_write_per_mtok=6), 6.0),
        (Usage(0, 0, 1_000_000, 1_000_000), Cost(**PRICES, cache_read_per_mtok=0, cache_write_per_mtok=0), 0.0),
        (Usage(7, 11), Cost(input_per_mtok=0.15, output_per_mtok=0.6), 0.000_008),
        (Usage(5, 5), Cost(input_per_mtok=0, output_per_mtok=0), 0.0),
        (Usage(1_000_000, 0), Cost(input_per_mtok=2), 2.0),
        (Usage(0, 1_000_000, 1_000_000), Cost(output_per_mtok=2, cache_read_per_mtok=1), 3.0),
    ],
)  # fmt: skip
def test_a_cost_is_exact_to_the_micro_dollar(usage: Usage, price: Cost, usd: float) -> None:
    assert cost.price(usage, price) == usd


@pytest.mark.parametrize(
    ("usage", "price", "usd"),
    [
        (Usage(0, 0, 1_000_000), SONNET, 2.7),
        (Usage(10, 3, 0), SONNET, 0.0),
        (Usage(10, 3, 1_000_000), Cost(**PRICES, cache_read_per_mtok=0.5), 2.5),
        (Usage(10, 3, 1_000_000), Cost(**PRICES, cache_read_per_mtok=4), 0.0),
        (Usage(10, 3, None), SONNET, None),
        (Usage(10, 3, 1_000_000), None, None),
    ],
)
def test_a_cache_saves_the_difference_between_the_prices_of_input_and_of_cached_input(
    usage: Usage, price: Cost | None, usd: float | None
) -> None:
    assert cost.cache_savings(usage, price) == usd


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (Usage(1, 1), None),
        (Usage(None, 1), SONNET),
        (Usage(1, None), SONNET),
        (Usage(), SONNET),
        (Usage(1, 1), Cost(input_per_mtok=1)),
        (Usage(1, 1), Cost(output_per_mtok=1)),
        (Usage(0, 0, 1), Cost(output_per_mtok=1)),
        (Usage(0, 0, 0, 1), Cost(monthly_budget_usd=20)),
    ],
)
def test_a_cost_is_unknown_if_the_price_or_the_usage_is(usage: Usage, price: Cost | None) -> None:
    assert cost.price(usage, price) is None


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


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Create the file if need be, and keep everybody else from writing it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS spent "
            "(month TEXT, provider TEXT, micro_usd INTEGER, PRIMARY KEY (month, provider))"
        )
        database.execute("BEGIN EXCLUSIVE")
        yield database
        database.execute("COMMIT")


def written(path: Path) -> int:
    """Return the micro-dollars in the file."""
    with locked(path) as database:
        [(micro_usd,)] = database.execute("SELECT coalesce(sum(micro_usd), 0) FROM spent")
        return int(micro_usd)


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


def config(cloud: FakeProvider, budget_usd: float, fallback: FakeProvider | None = None) -> dict[str, object]:
    price = {**PRICES, "monthly_budget_usd": budget_usd}
    listed = [process.provider("cloud", cloud.base_url, cost=price)]
    if fallback:
        listed.append(process.provider("local", fallback.base_url))
    return process.config(listed)


def outcome(proxy: Proxy, **body: Any) -> tuple[int, str | None, float | None]:
    finished = proxy.finished(proxy.chat(**body).rest().request_id)
    return finished["status"], finished["provider"], finished["cost_usd"]


def test_the_event_of_every_answer_has_its_cost(tmp_path: Path, a: FakeProvider, b: FakeProvider) -> None:
    providers = [
        process.provider("openai", a.base_url, cost=PRICES),
        process.provider("anthropic", b.base_url, kind="anthropic", cost=PRICES),
        process.provider("free", a.base_url),
    ]
    silent = {key: value for key, value in says.completion().items() if key != "usage"}
    a.plays(says.answer(), says.streamed(), whole(silent), stream(says.text("Hel"), CUT), says.answer())
    b.plays(anthropic_answers.answer(), anthropic_answers.streamed())
    alone = {str(entry["name"]): [str(entry["name"])] for entry in providers}
    with serving(tmp_path, process.config(providers, alone, default_profile="openai")) as served:
        assert outcome(served) == (200, "openai", ONE_ANSWER_USD)
        assert outcome(served, stream=True) == (200, "openai", ONE_ANSWER_USD)
        assert outcome(served) == (200, "openai", None), "the provider does not tell its usage"
        assert outcome(served, stream=True) == (200, "openai", None), "it broke off before it reported any"
        assert outcome(served, profile="free") == (200, "free", None), "no price"
        for streamed in (False, True):
            assert outcome(served, profile="anthropic", stream=streamed) == (200, "anthropic", ONE_ANSWER_USD)
    assert not (tmp_path / "spend.db").exists(), "without a budget nothing is kept"


@pytest.mark.slow
def test_a_provider_over_budget_is_skipped_also_after_a_restart(
    tmp_path: Path, a: FakeProvider, b: FakeProvider
) -> None:
    a.plays(*[says.answer()] * 9)
    b.plays(*[says.answer()] * 9)
    text = config(a, budget_usd=0.0001, fallback=b)
    with serving(tmp_path, text) as served:
        assert [outcome(served)[1] for _ in range(3)] == ["cloud", "cloud", "local"]
    with serving(tmp_path, text) as served:
        assert outcome(served)[1] == "local"
        skipped = events.read(served.events_path, "skip-budget-exceeded")
    assert [(event["provider"], event["spent_usd"], event["budget_usd"]) for event in skipped] == [
        ("cloud", 2 * ONE_ANSWER_USD, 0.0001)
    ] * 2
    assert len(a.requests) == 2


@pytest.mark.slow
def test_a_killed_proxy_has_written_what_was_spent(tmp_path: Path, a: FakeProvider, b: FakeProvider) -> None:
    a.plays(*[says.answer()] * 9)
    b.plays(says.answer())
    text = config(a, budget_usd=0.0001, fallback=b)
    with serving(tmp_path, text) as served:
        assert [outcome(served)[1] for _ in range(2)] == ["cloud", "cloud"]
        eventually(lambda: written(tmp_path / "spend.db") == 2 * ONE_ANSWER)
        assert served.command.stop(signal.SIGKILL) == -signal.SIGKILL
    with serving(tmp_path, text) as served:
        assert outcome(served)[1] == "local"


@pytest.mark.slow
def test_requests_do_not_wait_for_a_locked_file(tmp_path: Path, a: FakeProvider, b: FakeProvider) -> None:
    a.plays(*[says.answer()] * 9)
    b.plays(says.answer())
    path = tmp_path / "spend.db"
    with serving(tmp_path, config(a, budget_usd=0.0001, fallback=b)) as served:
        served.get("/healthz")
        with locked(path):
            first = served.finished(served.chat().rest().request_id)
            assert served.get("/healthz").status == 200
            assert [outcome(served)[1] for _ in range(2)] == ["cloud", "local"]
            logged = served.command.wait_for_output(
                r"(.*) ERROR cannot use \S+spend.db \(database is locked\)"
            )[1]
        served.command.wait_for_output("spend.db can be used again; all spending is written")
        assert written(path) == 2 * ONE_ANSWER
    finished_at = datetime.fromisoformat(first["ts"])
    assert finished_at < datetime.strptime(logged, "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC)


@pytest.mark.slow
def test_a_budget_that_a_reload_adds_holds(tmp_path: Path, a: FakeProvider, b: FakeProvider) -> None:
    a.plays(*[says.answer()] * 9)
    b.plays(says.answer())
    unlimited = process.config([process.provider("cloud", a.base_url, cost=PRICES)])
    with serving(tmp_path, unlimited) as served:
        assert outcome(served)[1] == "cloud"
        write_config(tmp_path, config(a, budget_usd=0.0001, fallback=b))
        served.command.signal(signal.SIGHUP)
        eventually(lambda: events.read(served.events_path, "config-reloaded"))
        assert [outcome(served)[1] for _ in range(3)] == ["cloud", "cloud", "local"]
        assert served.command.stop() == 0
    assert written(tmp_path / "spend.db") == 2 * ONE_ANSWER


@pytest.mark.slow
def test_when_every_provider_is_over_budget_the_client_gets_that_error(
    tmp_path: Path, a: FakeProvider
) -> None:
    a.plays()
    with serving(tmp_path, config(a, budget_usd=0)) as served:
        refused = served.chat().rest()
        assert (refused.status, refused.json["error"]["code"]) == (503, "budget_exceeded")
        assert refused.json["error"]["message"] == (
            "the monthly budget of cloud is spent, and profile 'default' has no other"
        )
        assert served.finished(refused.request_id)["outcome"] == "blocked"
    assert a.requests == []


@pytest.mark.slow
def test_workers_share_the_spending(tmp_path: Path, a: FakeProvider, b: FakeProvider) -> None:
    a.plays(*[says.answer()] * 200)
    b.plays(*[says.answer()] * 200)
    budget_usd = 50 * ONE_ANSWER_USD
    with serving(tmp_path, config(a, budget_usd, fallback=b), "--workers", "2") as served:
        eventually(lambda: len(events.read(served.events_path, "coderouter-startup")) == 2)
        answered = [outcome(served) for _ in range(100)]
        assert served.command.stop() == 0
    assert len({event["writer"] for event in events.read(served.events_path, "request-finished")}) == 2
    assert [provider for _, provider, _ in answered] == ["cloud"] * 50 + ["local"] * 50
    assert written(tmp_path / "spend.db") == 50 * ONE_ANSWER


@pytest.mark.slow
def test_an_unwritable_file_fails_no_request_and_the_budget_still_applies(
    tmp_path: Path, a: FakeProvider, b: FakeProvider
) -> None:
    (tmp_path / "state" / "spend.db").mkdir(parents=True)
    a.plays(*[says.answer()] * 9)
    b.plays(*[says.answer()] * 9)
    env: dict[str, Any] = {"STATE_DIRECTORY": str(tmp_path / "state")}
    with serving(tmp_path, config(a, budget_usd=0.0001, fallback=b), env=env) as served:
        assert [outcome(served)[1] for _ in range(3)] == ["cloud", "cloud", "local"]
        served.command.wait_for_output(
            r"cannot use .*spend.db \(.*\); spending is only in memory until it works again"
        )
