"""Budgets of a running proxy: across restarts, reloads and workers, and whatever happens to their file."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.routing import cost
from support import events
from support.processes import eventually
from support.proxy import anthropic_answers, process
from support.proxy import openai_answers as says
from support.proxy.process import Proxy, serving, write_config
from support.proxy.spend_file import locked, written
from support.proxy.upstream import CUT, stream, whole
from support.proxy.upstream import Provider as FakeProvider

# Of 10 input tokens, 3 output tokens and 2 from the cache, as the fake upstream counts.
ONE_ANSWER = 76  # micro-dollars
ONE_ANSWER_USD = ONE_ANSWER / cost.MICRO
PRICES: dict[str, Any] = {"input_per_mtok": 3, "output_per_mtok": 15}


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
