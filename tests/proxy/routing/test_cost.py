"""What answers cost, to the micro-dollar, and budgets across restarts, workers and an unwritable file."""

import sqlite3
import time
from contextlib import closing
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
from support.proxy.process import Proxy, serving
from support.proxy.upstream import CUT, stream, whole
from support.proxy.upstream import Provider as FakeProvider

SONNET = Cost(input_per_mtok=3, output_per_mtok=15)
# Of 10 input tokens, 3 output tokens and 2 from the cache, as the fake upstream counts.
ONE_ANSWER_USD = 0.000_076
PRICES = {"input_per_mtok": 3, "output_per_mtok": 15}


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
    ],
)  # fmt: skip
def test_a_cost_is_exact_to_the_micro_dollar(usage: Usage, price: Cost, usd: float) -> None:
    assert cost.price(usage, price) == usd


@pytest.mark.parametrize(
    ("usage", "price"),
    [(Usage(1, 1), None), (Usage(None, 1), SONNET), (Usage(1, None), SONNET), (Usage(), SONNET)],
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
        assert outcome(served) == (200, "openai", None), "the provider does not report its usage"
        assert outcome(served, stream=True) == (200, "openai", None), "it ended before its usage"
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


def test_when_every_provider_is_over_budget_the_client_is_told_so(tmp_path: Path, a: FakeProvider) -> None:
    a.plays()
    with serving(tmp_path, config(a, budget_usd=0)) as served:
        response = served.chat().rest()
        assert (response.status, response.json["error"]["code"]) == (503, "budget_exceeded")
        assert response.json["error"]["message"] == (
            "the monthly budget of cloud is spent, and profile 'default' has no other"
        )
        assert served.finished(response.request_id)["outcome"] == "blocked"
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
