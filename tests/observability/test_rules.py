"""The Prometheus rules: the real `promtool` tests them on known series, and the runbook covers every alert."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.docs import ROOT
from support.grafana import panels
from support.programs import program
from support.prometheus import promql
from support.prometheus.rules import ALERTS, COMPAT_2X, DEPLOYED, DRIFT, RECORDED, Rule

pytestmark = pytest.mark.slow

DATA = Path(__file__).parent / "data"
RUNBOOK = DEPLOYED / "README.md"

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
each_rule = pytest.mark.parametrize("rule", [*RECORDED, *ALERTS], ids=lambda rule: rule.name)


def promtool(*arguments: str | Path) -> str:
    """Return its output; it has to exit with 0."""
    ended = subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-fleet.yml"])
def test_a_configuration_is_valid_and_finds_all_rules(name: str) -> None:
    assert "3 rule files found" in promtool("check", "config", DEPLOYED / name)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("prometheus-native.yml", "scrape_native_histograms"),
        ("prometheus-nhcb.yml", "convert_classic_histograms_to_nhcb"),
    ],
)
def test_a_configuration_for_native_histograms_has_one_more_option(name: str, option: str) -> None:
    """Debian's Prometheus does not know these options."""
    plain, with_option = (
        yaml.safe_load((DEPLOYED / file).read_text(encoding="utf-8")) for file in ("prometheus.yml", name)
    )
    [job] = with_option["scrape_configs"]
    assert job.pop(option) is True
    assert with_option == plain


def test_promtool_finds_no_problem_in_the_rules() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *DEPLOYED.glob("rules/*.yml"), COMPAT_2X)


@pytest.mark.parametrize(
    "name", ["recording", "alerts", pytest.param("drift", marks=pytest.mark.long), "compat-2x"]
)
def test_rules_give_the_expected_values_for_known_series(name: str) -> None:
    promtool("test", "rules", DATA / f"{name}.test.yml")


def rule_tests(name: str) -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = yaml.safe_load((DATA / f"{name}.test.yml").read_text())["tests"]
    return tests


@each_alert
def test_an_alert_is_tested_with_values_that_fire_it_and_values_that_do_not(alert: Rule) -> None:
    idle = rule_tests("alerts")[-1]
    fired = {
        (test["name"], bool(check["exp_alerts"]))
        for test in (*rule_tests("alerts"), *rule_tests("drift"))
        for check in test["alert_rule_test"]
        if check["alertname"] == alert.name
    }
    assert any(fires for _, fires in fired)
    assert any(not fires for name, fires in fired if name != idle["name"])
    assert (idle["name"], False) in fired


@pytest.mark.parametrize(
    ("file", "rules"), [("recording", [rule for rule in RECORDED if rule not in DRIFT]), ("drift", DRIFT)]
)
def test_a_recording_rule_is_tested_with_traffic_and_without(file: str, rules: list[Rule]) -> None:
    tested = [test["promql_expr_test"] for test in rule_tests(file) if "promql_expr_test" in test]
    assert len(tested) == 2
    for checks in tested:
        assert [check["expr"] for check in checks] == [rule.name for rule in rules]


@each_alert
def test_an_alert_has_a_severity_annotations_and_a_section_in_the_runbook(alert: Rule) -> None:
    assert alert.labels["severity"] in ("warning", "critical")
    assert alert.annotations.keys() == {"summary", "description", "runbook"}
    path, _, anchor = alert.annotations["runbook"].partition("#")
    assert ROOT / path == RUNBOOK
    assert anchor == alert.name.lower()


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(sections) == [alert.name for alert in ALERTS]
    for section in sections.values():
        assert re.findall(r"^\*\*(.*?)\*\*", section, re.MULTILINE) == ["Means", "Look at", "Do"]


def test_the_runbook_names_panels_that_the_dashboard_has() -> None:
    named = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", RUNBOOK.read_text(encoding="utf-8")))
    assert named
    assert named <= {panel["title"] for panel in panels()}


@each_rule
def test_a_rule_never_divides_by_zero(rule: Rule) -> None:
    for divisor in promql.divisors(rule.expr):
        assert re.fullmatch(r"\(.*> 0\)", divisor)
