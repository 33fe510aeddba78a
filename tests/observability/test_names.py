"""Every metric and label that the dashboard and the rules query is served by the exporter."""

import re

import pytest

from coderouter_exporter.families.kinds import Counter, Histogram
from coderouter_exporter.families.table import FAMILIES
from observability.model_servers import llamacpp, vllm
from support.exporter.process import samples
from support.grafana import Target, expressions, listed_series, targets
from support.prometheus import promql
from support.prometheus.rules import ALERTS, RECORDED

TARGET = {"job", "instance"}
# What vLLM and llama.cpp serve, histograms also as Prometheus may store them: native.
SERVED = {name for text in (vllm(), llamacpp()) for name, _ in samples(text.decode())}
SERVED |= {name.removesuffix("_bucket") for name in SERVED}
PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes")

# What Prometheus records for each target, and what its client library serves for each process.
OTHERS: dict[str, set[str]] = {
    "up": set(),
    **{name: set() for name in PROCESS},
    **{name: {"provider", "server", "le"} for name in SERVED},
}


def served() -> dict[str, set[str]]:
    """Return the labels of every series that the exporter serves, by its name."""
    found: dict[str, set[str]] = {}
    for family in FAMILIES:
        labels = set(family.labels)
        if isinstance(family, Histogram):
            found |= {f"{family.name}_bucket": labels | {"le"}}
            found |= {f"{family.name}_{part}": labels for part in ("sum", "count")}
            found[family.name] = labels
        else:
            found[family.name] = labels
    return found


def recorded() -> dict[str, set[str]]:
    return {rule.name: promql.result_labels(rule.expr) for rule in RECORDED}


KNOWN = {name: labels | TARGET for name, labels in (served() | OTHERS | recorded()).items()}
QUERIED = [*expressions(), *listed_series(), *(rule.expr for rule in [*RECORDED, *ALERTS])]

each_queried = pytest.mark.parametrize("expr", QUERIED)


@each_queried
def test_every_metric_is_served_and_has_the_labels_it_is_matched_by(expr: str) -> None:
    for selector in promql.selectors(expr):
        assert selector.metric in KNOWN
        assert selector.matchers.keys() <= KNOWN[selector.metric]


@each_queried
def test_results_are_grouped_by_labels_that_their_metrics_have(expr: str) -> None:
    labels = set().union(*(KNOWN[selector.metric] for selector in promql.selectors(expr)))
    assert promql.grouped_by(expr) <= labels


@each_queried
def test_a_label_with_a_closed_set_is_only_matched_by_its_values(expr: str) -> None:
    sets = {
        (family.name, label): set(values)
        for family in FAMILIES
        if isinstance(family, Counter) and family.preset
        for label, values in zip(family.labels, family.preset, strict=True)
        if isinstance(values, tuple) and label != "reason"
    }
    for selector in promql.selectors(expr):
        for label, value in selector.matchers.items():
            if (selector.metric, label) in sets:
                assert set(value.split("|")) <= sets[selector.metric, label]


@pytest.mark.parametrize("target", targets(), ids=str)
def test_metrics_follow_the_variables_whose_labels_they_have(target: Target) -> None:
    for selector in promql.selectors(target.expr):
        for label in ("provider", "profile"):
            assert (label in KNOWN[selector.metric]) == (selector.matchers.get(label) == f"${label}")


def test_a_recording_rule_is_named_level_metric_operation() -> None:
    assert all(re.fullmatch(r"(instance|job)(_\w+)?:coderouter_\w+:\w+", name) for name in recorded())
