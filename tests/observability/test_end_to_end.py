"""Mixed traffic through a real proxy, exporter and Prometheus: every panel and rule has data, and it is right."""

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
from observability.expected import Expected
from observability.traffic import BUDGET_USD, KEY, ROUND, configured, stream_slowly
from support import events
from support.exporter.process import running_exporter
from support.grafana import Target, annotation_expressions, listed_series, targets
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
class Snapshot:
    """A Prometheus at the Unix time of one scrape, and the numbers that the event files give."""

    prometheus: Prometheus
    expected: Expected
    at: float
    window_s: int = WINDOW_S

    def query(self, expr: str, **chosen: str) -> dict[tuple[str, ...], float]:
        return self.prometheus.query(promql.interpolate(expr, f"{self.window_s}s", **chosen), self.at)

    def panel(self, title: str, **chosen: str) -> dict[tuple[str, ...], float]:
        """Return the result of the panel's first query for the selected values of the variables."""
        [expr, *_] = [target.expr for target in targets() if target.panel["title"] == title]
        return self.query(expr, **chosen)


@dataclass(frozen=True)
class Story:
    """Three snapshots: before the first request, after the last one, and after a while without any."""

    before: Snapshot
    seen: Snapshot
    quiet: Snapshot


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
        before = Snapshot(prometheus, Expected(folder), last_scrape(prometheus))
        send_everything(served, providers)
        wait_until_scraped(prometheus, folder)
        path.rename(path.with_suffix(".jsonl.1"))
        send_everything(served, providers)
        reload(served, folder)
        overflow(path)
        wait_until_scraped(prometheus, folder)
        seen = Snapshot(prometheus, Expected(folder), last_scrape(prometheus))
        eventually(lambda: last_scrape(prometheus) > seen.at + QUIET_S, PATIENCE_S)
        yield Story(before, seen, Snapshot(prometheus, seen.expected, last_scrape(prometheus), QUIET_S))


@pytest.fixture
def seen(story: Story) -> Snapshot:
    return story.seen


def send_everything(served: Proxy, providers: Upstream) -> None:
    for step in ROUND:
        step.run(served, providers)
    stream_slowly(served, providers, SLOW_S)


def reload(served: Proxy, folder: Path) -> None:
    """Reload providers.yaml, first an invalid and then a valid one."""
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
    """Return after two scrapes with everything that was written: `rate()` needs two samples of a new series."""
    written = len(Expected(folder).events)
    eventually(lambda: prometheus.query("sum(cr_exporter_events_total)")[()] >= written, PATIENCE_S)
    first = last_scrape(prometheus)
    eventually(lambda: last_scrape(prometheus) > first, PATIENCE_S)


def last_scrape(prometheus: Prometheus) -> float:
    [at] = prometheus.query("max(timestamp(coderouter_up))").values()
    return at


@pytest.mark.parametrize("target", targets(), ids=str)
def test_every_query_of_every_panel_has_data(target: Target, seen: Snapshot) -> None:
    found = seen.query(target.expr)
    assert found
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("target", targets(), ids=str)
def test_a_quiet_machine_shows_a_number_or_no_data(target: Target, story: Story) -> None:
    for snapshot in (story.before, story.quiet):
        assert all(math.isfinite(value) for value in snapshot.query(target.expr).values())


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_idle_machine_raises_no_alert(alert: Rule, story: Story) -> None:
    assert story.before.query(alert.expr) == {}


@pytest.mark.parametrize("expr", [*annotation_expressions(), *listed_series()])
def test_annotations_and_variables_have_data(expr: str, seen: Snapshot) -> None:
    assert seen.query(expr)


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: rule.name)
def test_every_recording_rule_has_data(rule: Rule, seen: Snapshot) -> None:
    found = eventually(lambda: seen.prometheus.query(rule.name), PATIENCE_S)
    assert all(math.isfinite(value) for value in found.values())


def test_the_number_of_requests_is_that_of_those_sent(seen: Snapshot) -> None:
    sent = 2 * (len(ROUND) + 1)
    assert len(seen.expected.finished) == sent
    assert seen.query("sum(coderouter_client_requests_total)") == {(): sent}
    by_outcome = seen.query("sum by (outcome) (coderouter_client_requests_total)")
    assert {outcome: n for outcome, n in by_outcome.items() if n} == seen.expected.outcomes
    assert seen.expected.outcomes == {
        (outcome,): 2 * n for outcome, n in Counter([*(step.outcome for step in ROUND), "ok"]).items()
    }


def test_panels_show_the_requests_of_the_selected_profiles(seen: Snapshot) -> None:
    profiles = {event["profile"] for event in seen.expected.finished if event["profile"]}
    chosen = {"profile": "|".join(profiles)}
    outcomes = seen.expected.outcomes_of(profiles)
    sent = sum(outcomes.values())
    assert seen.panel("Requests", **chosen) == pytest.approx({(): sent / WINDOW_S})
    by_outcome = seen.panel("Requests by outcome", **chosen)
    assert {outcome: rate * WINDOW_S for outcome, rate in by_outcome.items() if rate} == pytest.approx(
        outcomes
    )
    failed = sum(outcomes[outcome,] for outcome in ("exhausted", "blocked", "midstream"))
    assert seen.panel("User-visible errors", **chosen) == pytest.approx({(): failed / sent})
    assert seen.panel("Fallbacks", **chosen) == pytest.approx({(): seen.expected.fallbacks / sent})


def test_one_profile_can_be_selected(seen: Snapshot) -> None:
    outcomes = seen.expected.outcomes_of({"flaky"})
    shown = seen.panel("Requests", profile="flaky")
    assert shown == pytest.approx({(): sum(outcomes.values()) / WINDOW_S})


def test_tokens_and_cost_are_those_of_the_responses(seen: Snapshot) -> None:
    assert seen.query("sum by (direction, provider) (coderouter_tokens_total) > 0") == seen.expected.tokens
    assert seen.query("sum by (provider) (coderouter_cost_usd_total) > 0") == pytest.approx(
        seen.expected.cost_usd
    )
    [share] = [
        share for (provider,), share in seen.panel("Budget used this month").items() if provider == "claude"
    ]
    assert share == pytest.approx(seen.expected.cost_usd["claude",] / BUDGET_USD)


def test_the_p95_of_the_first_token_is_in_the_right_bucket(seen: Snapshot) -> None:
    exact_s = seen.expected.first_token_s(0.95)
    assert exact_s >= SLOW_S
    bounds = [0.0, *FIRST_TOKEN.buckets]
    above = next(number for number, bound in enumerate(bounds) if bound >= exact_s)
    shown = seen.query(
        "histogram_quantile(0.95, sum by (le) (coderouter_time_to_first_token_seconds_bucket))"
    )
    assert bounds[above - 1] < shown[()] <= bounds[above]


def test_recording_rules_agree_with_what_was_sent(seen: Snapshot) -> None:
    """Their window of five minutes holds all requests; the first request of a new series is not an increase."""
    rates = seen.query(expr_of("instance_outcome:coderouter_client_requests:rate5m"))
    shown = {outcome: rate * RULES_WINDOW_S for (_, _, outcome), rate in rates.items()}
    for (outcome,), n in seen.expected.outcomes.items():
        assert shown[outcome] == pytest.approx(n, abs=1.5 if outcome == "client_error" else 1e-6)


def test_this_traffic_raises_exactly_the_expected_alerts(seen: Snapshot) -> None:
    expected = {
        "CodeRouterChainsExhausted",
        "CodeRouterErrorsHigh",
        "CodeRouterBudgetNearlySpent",
        "CodeRouterSeriesCapHit",
    }
    raised = 'max by (alertname) (ALERTS{alertname=~"CodeRouter.*"})'
    eventually(lambda: {name for (name,) in seen.prometheus.query(raised)} == expected, PATIENCE_S)


def expr_of(name: str) -> str:
    [rule] = [rule for rule in RECORDED if rule.name == name]
    return rule.expr
