"""The committed Grafana dashboard, read as a test reads it."""

import json
from dataclasses import dataclass
from typing import Any

from coderouter_dashboard.__main__ import DASHBOARD


@dataclass(frozen=True)
class Target:
    """One query of a panel."""

    panel: dict[str, Any]
    expr: str
    legend: str
    instant: bool

    def __str__(self) -> str:
        return f"{self.panel['title']}: {self.legend or self.expr}"


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return read


def panels() -> list[dict[str, Any]]:
    """Return all panels that show something, from top to bottom."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def targets() -> list[Target]:
    return [
        Target(panel, target["expr"], target["legendFormat"], target["instant"])
        for panel in panels()
        for target in panel["targets"]
    ]


def variables() -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in dashboard()["templating"]["list"]}


def marks() -> list[str]:
    """Return the expressions of the annotations."""
    return [mark["expr"] for mark in dashboard()["annotations"]["list"]]


def listed() -> list[str]:
    """Return the series that the variables list the labels of."""
    asked = [variable["query"]["query"] for variable in variables().values() if variable["type"] == "query"]
    return [query.removeprefix("label_values(").rpartition(",")[0] for query in asked]


def expressions() -> list[str]:
    """Return what the dashboard asks of Prometheus, but for the listing of labels."""
    return [*(target.expr for target in targets()), *marks()]
