"""The committed Grafana dashboard: its panels, queries and variables."""

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


def expanded() -> list[dict[str, Any]]:
    """Return row titles and panels from top to bottom, where they are once all rows are open."""
    found: list[dict[str, Any]] = []
    below = 0
    for panel in dashboard()["panels"]:
        found.append(_moved(panel, below))
        inner = [_moved(each, below) for each in panel.get("panels", ())]
        found += inner
        if inner:
            end = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in inner)
            below = end - (panel["gridPos"]["y"] + panel["gridPos"]["h"])
    return found


def _moved(panel: dict[str, Any], rows: int) -> dict[str, Any]:
    place = panel["gridPos"]
    return panel | {"gridPos": place | {"y": place["y"] + rows}}


def panels() -> list[dict[str, Any]]:
    """Return all panels except row titles, from top to bottom."""
    return [panel for panel in expanded() if panel["type"] != "row"]


def targets() -> list[Target]:
    return [
        Target(panel, target["expr"], target["legendFormat"], target["instant"])
        for panel in panels()
        for target in panel["targets"]
    ]


def variables() -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in dashboard()["templating"]["list"]}


def annotation_expressions() -> list[str]:
    """Return the expressions of the annotations."""
    return [annotation["expr"] for annotation in dashboard()["annotations"]["list"]]


def listed_series() -> list[str]:
    """Return the series whose label values the variables offer."""
    queries = [variable["query"]["query"] for variable in variables().values() if variable["type"] == "query"]
    return [query.removeprefix("label_values(").rpartition(",")[0] for query in queries]


def expressions() -> list[str]:
    """Return every expression that the dashboard sends to Prometheus, except those that list label values."""
    return [*(target.expr for target in targets()), *annotation_expressions()]
