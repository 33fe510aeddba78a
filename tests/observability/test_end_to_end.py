"""Mixed traffic through a real proxy, exporter and Prometheus: every panel and rule has data, and the right number."""

import math
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from coderouter_events.events import CapabilityDegraded
from coderouter_exporter.families.proxy import FIRST_TOKEN
from coderouter_proxy.eventlog.writer import EventLog
from observability.mixed import BUDGET_USD, KEY, ROUND, ask_slowly, configured
from observability.truth import Truth
from support import events
from support.browser.dashboard import Target, listed, marks, targets
from support.exporter.process import running_exporter
from support.processes import eventually
from support.prometheus import promql
from support.prometheus.rules import ALERTS, DEPLOYED, RECORDED, Rule
from support.prometheus.server import Prometheus, running_prometheus
from support.proxy import upstream
from support.proxy.process import Proxy, serving, write_config
from support.proxy.upstream import Upstream

pytestmark = pytest.mark.slow

WINDOW_S = 600  # longer than the whole test, so that all of it is growth within the window
RULES_WINDOW_S = 300
SLOW_S = 0.15
QUIET_S = 3
PATIENCE_S = 60


@dataclass(frozen=True)
class Seen:
    """A Prometheus, the event files, and the time of the scrape that is looked at, in Unix time."""

    prometheus: Prometheus
    truth: Truth
    at: float
    window_s: int = WINDOW_S

    def ask(self, expr: str, **chosen: str) -> dict[tuple[str, ...], float]:
        return self.prometheus.query(promql.filled(expr, f"{self.window_s}s", **chosen), self.at)

    def panel(self, title: str, **chosen: str) -> dict[tuple[str, ...], float]:
        """Return what the first query of the panel shows for what is chosen above."""
        [expr, *_] = [target.expr for target in targets() if target.panel["title"] == title]
        return self.ask(expr, **chosen)


@dataclass(frozen=True)
class Story:
    """Three looks: the proxy has started and nobody has asked; all is done; and nothing has happened for a while."""

    before: Seen
    seen: Seen
    quiet: Seen


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("observed")
    path = folder / "events.jsonl"
    with ExitStack() as stack:
        providers = stack.enter_context(upstream.serving())
        exporter = stack.enter_context(running_exporter(path, state=folder / "state.db"))
        job = {"job_name": "coderouter", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
        rules = sorted(DEPLOYED.glob("rules/*.yml"))
        prometheus = stack.enter_context(running_prometheus(folder / "tsdb", [job], rules))
        eventually(lambda: prometheus.query("sum(coderouter_starts_total)") == {(): 0}, PATIENCE_S)
        served = stack.enter_context(serving(folder, configured(providers), events_path=path, env=KEY))
        eventually(lambda: events.read(path, "coderouter-startup"))
        wait_until_scraped(prometheus, folder)
        before = Seen(prometheus, Truth(folder), last_scrape(prometheus))
        ask_everything(served, providers)
        wait_until_scraped(prometheus, folder)
        path.rename(path.with_suffix(".jsonl.1"))
        ask_everything(served, providers)
        reload(served, folder)
        overflow(path)
        wait_until_scraped(prometheus, folder)
        seen = Seen(prometheus, Truth(folder), last_scrape(prometheus))
        eventually(lambda: last_scrape(prometheus) > seen.at + QUIET_S, PATIENCE_S)
        yield Story(before, seen, Seen(prometheus, seen.truth, last_scrape(prometheus), QUIET_S))


@pytest.fixture
def seen(story: Story) -> Seen:
    return story.seen


def ask_everything(served: Proxy, providers: Upstream) -> None:
    for step in ROUND:
        step.run(served, providers)
    ask_slowly(served, providers, SLOW_S)


def reload(served: Proxy, folder: Path) -> None:
    """Read providers.yaml anew, once with faults and once without."""
    good = (folder / "providers.yaml").read_text(encoding="utf-8")
    for text, event in (("providers: []", "config-reload-failed"), (good, "config-reloaded")):
        write_config(folder, text)
        served.command.signal(signal.SIGHUP)
        eventually(partial(events.read, served.events_path, event))


def overflow(path: Path) -> None:
    """Write more different label values than a family may have."""
    dropped = [f"capability-{number}" for number in range(1100)]
    event = CapabilityDegraded(
        request_id="r", provider="local", dropped=dropped, reason="provider-does-not-support"
    )
    EventLog(path).write(event)


def wait_until_scraped(prometheus: Prometheus, folder: Path) -> None:
    """Return when two scrapes have had all that was written, which is what a rate needs of a new series."""
    written = len(Truth(folder).events)
    eventually(lambda: prometheus.query("sum(cr_exporter_events_total)")[()] >= written, PATIENCE_S)
    first = last_scrape(prometheus)
    eventually(lambda: last_scrape(prometheus) > first, PATIENCE_S)


def last_scrape(prometheus: Prometheus) -> float:
    [at] = prometheus.query("max(timestamp(coderouter_up))").values()
    return at


@pytest.mark.parametrize("target", targets(), ids=str)
def test_every_query_of_every_panel_has_data(target: Target, seen: Seen) -> None:
    found = seen.ask(target.expr)
    assert found
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("target", targets(), ids=str)
def test_a_quiet_machine_shows_a_number_or_no_data(target: Target, story: Story) -> None:
    for look in (story.before, story.quiet):
        assert all(math.isfinite(value) for value in look.ask(target.expr).values())


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_machine_that_nobody_asks_alerts_nobody(alert: Rule, story: Story) -> None:
    assert story.before.ask(alert.expr) == {}


@pytest.mark.parametrize("expr", [*marks(), *listed()])
def test_annotations_and_variables_find_something(expr: str, seen: Seen) -> None:
    assert seen.ask(expr)


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: rule.name)
def test_every_recording_rule_has_data(rule: Rule, seen: Seen) -> None:
    found = eventually(lambda: seen.prometheus.query(rule.name), PATIENCE_S)
    assert all(math.isfinite(value) for value in found.values())


def test_requests_are_as_many_as_were_sent(seen: Seen) -> None:
    sent = 2 * (len(ROUND) + 1)
    assert len(seen.truth.finished) == sent
    assert seen.ask("sum(coderouter_client_requests_total)") == {(): sent}
    by_outcome = seen.ask("sum by (outcome) (coderouter_client_requests_total)")
    assert {outcome: n for outcome, n in by_outcome.items() if n} == seen.truth.outcomes
    assert seen.truth.outcomes == {
        (outcome,): 2 * n for outcome, n in Counter([*(step.outcome for step in ROUND), "ok"]).items()
    }


def test_panels_show_the_requests_of_the_chosen_profiles(seen: Seen) -> None:
    profiles = {event["profile"] for event in seen.truth.finished if event["profile"]}
    chosen = {"profile": "|".join(profiles)}
    outcomes = seen.truth.outcomes_of(profiles)
    sent = sum(outcomes.values())
    assert seen.panel("Requests", **chosen) == pytest.approx({(): sent / WINDOW_S})
    by_outcome = seen.panel("Requests by outcome", **chosen)
    assert {outcome: rate * WINDOW_S for outcome, rate in by_outcome.items() if rate} == pytest.approx(
        outcomes
    )
    failed = sum(outcomes[outcome,] for outcome in ("exhausted", "blocked", "midstream"))
    assert seen.panel("User-visible errors", **chosen) == pytest.approx({(): failed / sent})
    assert seen.panel("Fallbacks", **chosen) == pytest.approx({(): seen.truth.fallbacks / sent})


def test_one_profile_can_be_looked_at_alone(seen: Seen) -> None:
    outcomes = seen.truth.outcomes_of({"flaky"})
    shown = seen.panel("Requests", profile="flaky")
    assert shown == pytest.approx({(): sum(outcomes.values()) / WINDOW_S})


def test_tokens_and_cost_are_those_of_the_answers(seen: Seen) -> None:
    assert seen.ask("sum by (direction, provider) (coderouter_tokens_total) > 0") == seen.truth.tokens
    assert seen.ask("sum by (provider) (coderouter_cost_usd_total) > 0") == pytest.approx(seen.truth.cost_usd)
    [share] = [
        share for (provider,), share in seen.panel("Budget used this month").items() if provider == "claude"
    ]
    assert share == pytest.approx(seen.truth.cost_usd["claude",] / BUDGET_USD)


def test_the_p95_of_the_first_token_is_in_the_bucket_of_the_real_one(seen: Seen) -> None:
    real_s = seen.truth.first_token_s(0.95)
    assert real_s >= SLOW_S
    bounds = [0.0, *FIRST_TOKEN.buckets]
    above = next(number for number, bound in enumerate(bounds) if bound >= real_s)
    shown = seen.ask("histogram_quantile(0.95, sum by (le) (coderouter_time_to_first_token_seconds_bucket))")
    assert bounds[above - 1] < shown[()] <= bounds[above]


def test_recording_rules_agree_with_what_was_sent(seen: Seen) -> None:
    """Their window of five minutes holds all of it; a series that began with its first request has no growth then."""
    rates = seen.ask(expr_of("instance_outcome:coderouter_client_requests:rate5m"))
    shown = {outcome: rate * RULES_WINDOW_S for (_, _, outcome), rate in rates.items()}
    for (outcome,), n in seen.truth.outcomes.items():
        assert shown[outcome] == pytest.approx(n, abs=1.5 if outcome == "client_error" else 1e-6)


def test_alerts_are_those_that_this_traffic_calls_for(seen: Seen) -> None:
    called_for = {
        "CodeRouterChainsExhausted",
        "CodeRouterErrorsHigh",
        "CodeRouterBudgetNearlySpent",
        "CodeRouterSeriesCapHit",
    }
    raised = 'max by (alertname) (ALERTS{alertname=~"CodeRouter.*"})'
    eventually(lambda: {name for (name,) in seen.prometheus.query(raised)} == called_for, PATIENCE_S)


def expr_of(name: str) -> str:
    [rule] = [rule for rule in RECORDED if rule.name == name]
    return rule.expr
