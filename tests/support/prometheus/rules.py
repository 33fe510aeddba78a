"""The recording rules and alerts that are deployed to Prometheus."""

from dataclasses import dataclass, field
from typing import Any

import yaml

from support.docs import ROOT

DEPLOYED = ROOT / "deploy/prometheus"
COMPAT_2X = DEPLOYED / "coderouter-2x-compat.yml"
"""For dashboards of CodeRouter 2.x; not among the rules that the configurations load."""


@dataclass(frozen=True)
class Rule:
    """A recording rule, or an alert."""

    name: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


def _rules(file: str, kind: str) -> list[Rule]:
    groups: list[dict[str, Any]] = yaml.safe_load((DEPLOYED / "rules" / file).read_text(encoding="utf-8"))[
        "groups"
    ]
    return [
        Rule(rule[kind], rule["expr"], rule.get("labels", {}), rule.get("annotations", {}))
        for group in groups
        for rule in group["rules"]
        if kind in rule
    ]


DRIFT = _rules("coderouter-drift.yml", "record")
RECORDED = [*_rules("coderouter-recording.yml", "record"), *DRIFT]
ALERTS = [*_rules("coderouter-alerts.yml", "alert"), *_rules("coderouter-drift.yml", "alert")]
