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

from coderouter_events.events import CapabilityDegraded, ProviderAdapted
from coderouter_exporter.families.proxy import FIRST_TOKEN
from coderouter_proxy.eventlog.writer import EventLog
from observability.expected import Expected
from observability.model_servers import scrape_jobs
from observability.traffic import BUDGET_USD, KEY, ROUND, providers_yaml, send_slow_request
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
WINDOW_MIN = WINDOW_S / 60
RULES_WINDOW_S = 300
SLOW_S = 0.15
QUIET_S = 3
OF_NATIVE = "instance:coderouter_time_to_first_token_seconds:rate5m"
WAIT_S = 60


@dataclass(frozen=True)
class Snapshot:
    """A Prometheus, the event files, and the Unix time of the scrape to query at."""

    prometheus: Prometheus
    expected: Expected
    at: float
    window_s: int = WINDOW_S

    def query(self, expr: str, **chosen: str) -> dict[tuple[str, ...], float]:
        return self.prometheus.query(promql.interpolate(expr, f"{self.window_s}s", **chosen), self.at)

    def panel(self, title: str, **chosen: str) -> dict[tuple[str, ...], float]:
        """Return the result of the panel's first query with these variables chosen."""
        [expr, *_] = [target.expr for target in targets() if target.panel["title"] == title]
        return self.query(expr, **chosen)


@dataclass(frozen=True)
class Snapshots:
    """Three snapshots: before the first request, after the last one, and after a quiet time."""

    before: Snapshot
    busy: Snapshot
    quiet: Snapshot


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshots]:
    folder = tmp_path_factory.mktemp("observed")
    path = folder / "events.jsonl"
    with ExitStack() as stack:
        providers = stack.enter_context(upstream.serving())
        exporter = stack.enter_context(running_exporter(path, state=folder / "state.db"))
        job = {"job_name": "coderouter", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
        rules = sorted(DEPLOYED.glob("rules/*.yml"))
        jobs = [job, *scrape_jobs(providers)]
        prometheus = stack.enter_context(running_prometheus(folder / "tsdb", jobs, rules))
        eventually(lambda: prometheus.query("sum(coderouter_starts_total)") == {(): 0}, WAIT_S)
        served = stack.enter_context(serving(folder, providers_yaml(providers), events_path=path, env=KEY))
        eventually(lambda: events.read(path, "coderouter-startup"))
        wait_until_scraped(prometheus, folder)
        before = Snapshot(prometheus, Expected(folder), last_scrape(prometheus))
        send_everything(served, providers)
        wait_until_scraped(prometheus, folder)
        path.rename(path.with_suffix(".jsonl.1"))
        send_everything(served, providers)
        reload(served, folder)
        overflow(path)
        adapt(path)
        wait_until_scraped(prometheus, folder)
        busy = Snapshot(prometheus, Expected(folder), last_scrape(prometheus))
        eventually(lambda: last_scrape(prometheus) > busy.at + QUIET_S, WAIT_S)
        yield Snapshots(before, busy, Snapshot(prometheus, busy.expected, last_scrape(prometheus), QUIET_S))


@pytest.fixture
def busy(snapshots: Snapshots) -> Snapshot:
    return snapshots.busy


def send_everything(served: Proxy, providers: Upstream) -> None:
    for step in ROUND:
        step.run(served, providers)
    send_slow_request(served, providers, SLOW_S)


def reload(served: Proxy, folder: Path) -> None:
    """Reload providers.yaml, once with errors and once without."""
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


def adapt(path: Path) -> None:
    event = ProviderAdapted(
        request_id="r",
        provider="local",
        trait="max_tokens_field",
        value="max_completion_tokens",
        reason="max-tokens",
        remembered=True,
    )
    EventLog(path).write(event)


def wait_until_scraped(prometheus: Prometheus, folder: Path) -> None:
    """Return when two scrapes have had all that was written, which is what a rate needs of a new series."""
    written = len(Expected(folder).events)
    eventually(lambda: prometheus.query("sum(cr_exporter_events_total)")[()] >= written, WAIT_S)
    first = last_scrape(prometheus)
    eventually(lambda: last_scrape(prometheus) > first, WAIT_S)


def last_scrape(prometheus: Prometheus) -> float:
    [at] = prometheus.query("max(timestamp(coderouter_up))").values()
    return at


@pytest.mark.parametrize("target", targets(), ids=str)
def test_every_query_of_every_panel_has_data(target: Target, busy: Snapshot) -> None:
    found = busy.query(target.expr)
    assert found
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("target", targets(), ids=str)
def test_a_quiet_machine_shows_a_number_or_no_data(target: Target, snapshots: Snapshots) -> None:
    for snapshot in (snapshots.before, snapshots.quiet):
        assert all(math.isfinite(value) for value in snapshot.query(target.expr).values())


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_a_machine_without_requests_fires_no_alert(alert: Rule, snapshots: Snapshots) -> None:
    assert snapshots.before.query(alert.expr) == {}


@pytest.mark.parametrize("expr", [*annotation_expressions(), *listed_series()])
def test_annotations_and_variables_find_something(expr: str, busy: Snapshot) -> None:
    assert busy.query(expr)


@pytest.mark.parametrize(
    "rule",
    [rule for rule in RECORDED if " offset " not in rule.expr and rule.name != OF_NATIVE],
    ids=lambda rule: rule.name,
)
def test_every_recording_rule_of_the_last_hour_has_data(rule: Rule, busy: Snapshot) -> None:
    found = eventually(lambda: busy.prometheus.query(rule.name), 2 * WAIT_S)
    assert all(math.isfinite(value) for value in found.values())


def test_the_number_of_requests_is_the_number_sent(busy: Snapshot) -> None:
    sent = 2 * (len(ROUND) + 1)
    assert len(busy.expected.finished) == sent
    assert busy.query("sum(coderouter_client_requests_total)") == {(): sent}
    by_outcome = busy.query("sum by (outcome) (coderouter_client_requests_total)")
    assert {outcome: n for outcome, n in by_outcome.items() if n} == busy.expected.outcomes
    assert busy.expected.outcomes == {
        (outcome,): 2 * n for outcome, n in Counter([*(step.outcome for step in ROUND), "ok"]).items()
    }


def test_panels_show_the_requests_of_the_chosen_profiles(busy: Snapshot) -> None:
    profiles = {event["profile"] for event in busy.expected.finished if event["profile"]}
    chosen = {"profile": "|".join(profiles)}
    outcomes = busy.expected.outcomes_of(profiles)
    sent = sum(outcomes.values())
    assert busy.panel("Requests", **chosen) == pytest.approx({(): sent / WINDOW_MIN})
    by_outcome = busy.panel("Requests by outcome", **chosen)
    assert {outcome: rate * WINDOW_MIN for outcome, rate in by_outcome.items() if rate} == pytest.approx(
        outcomes
    )
    failed = sum(outcomes[outcome,] for outcome in ("exhausted", "blocked", "midstream"))
    assert busy.panel("User-visible errors", **chosen) == pytest.approx({(): failed / sent})
    assert busy.panel("Fallbacks", **chosen) == pytest.approx({(): busy.expected.fallbacks / sent})


def test_one_profile_can_be_shown_alone(busy: Snapshot) -> None:
    outcomes = busy.expected.outcomes_of({"flaky"})
    shown = busy.panel("Requests", profile="flaky")
    assert shown == pytest.approx({(): sum(outcomes.values()) / WINDOW_MIN})


def test_tokens_and_cost_are_those_of_the_answers(busy: Snapshot) -> None:
    assert busy.query("sum by (direction, provider) (coderouter_tokens_total) > 0") == busy.expected.tokens
    assert busy.query("sum by (provider) (coderouter_cost_usd_total) > 0") == pytest.approx(
        busy.expected.cost_usd
    )
    [share] = [
        share for (provider,), share in busy.panel("Budget used this month").items() if provider == "claude"
    ]
    assert share == pytest.approx(busy.expected.cost_usd["claude",] / BUDGET_USD)


def test_the_p95_of_the_first_token_is_in_the_bucket_of_the_measured_one(busy: Snapshot) -> None:
    real_s = busy.expected.first_token_s(0.95)
    assert real_s >= SLOW_S
    bounds = [0.0, *FIRST_TOKEN.buckets]
    above = next(number for number, bound in enumerate(bounds) if bound >= real_s)
    shown = busy.query(
        "histogram_quantile(0.95, sum by (le) (coderouter_time_to_first_token_seconds_bucket))"
    )
    assert bounds[above - 1] < shown[()] <= bounds[above]


def test_recording_rules_agree_with_what_was_sent(busy: Snapshot) -> None:
    """Their window of five minutes covers all of it; a series that starts with its first request shows no growth."""
    rates = busy.query(expr_of("instance_outcome:coderouter_client_requests:rate5m"))
    shown = {outcome: rate * RULES_WINDOW_S for (_, _, outcome), rate in rates.items()}
    for (outcome,), n in busy.expected.outcomes.items():
        assert shown[outcome] == pytest.approx(n, abs=1.5 if outcome == "client_error" else 1e-6)


def test_exactly_the_alerts_fire_that_this_traffic_calls_for(busy: Snapshot) -> None:
    called_for = {
        "CodeRouterChainsExhausted",
        "CodeRouterErrorsHigh",
        "CodeRouterBudgetNearlySpent",
        "CodeRouterSeriesCapHit",
    }
    raised = 'max by (alertname) (ALERTS{alertname=~"CodeRouter.*"})'
    eventually(lambda: {name for (name,) in busy.prometheus.query(raised)} == called_for, WAIT_S)


def expr_of(name: str) -> str:
    [rule] = [rule for rule in RECORDED if rule.name == name]
    return rule.expr
