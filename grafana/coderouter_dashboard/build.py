"""Builds the dashboard that Grafana imports, by hand or by file provisioning, from the rows."""

import json
from collections.abc import Iterable
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from coderouter_dashboard.panel import Kind, Panel, Query, Row
from coderouter_dashboard.promql import increase, of
from coderouter_dashboard.visuals import VISUALS, Visual

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

# Label, a metric that has it, and the regular expression of All. The last one also matches requests without a profile,
# which were rejected before routing.
VARIABLES = (
    ("job", "cr_exporter_build_info", ".+"),
    ("instance", "cr_exporter_build_info", ".+"),
    ("provider", "coderouter_provider_attempts_total", ".+"),
    ("profile", "coderouter_client_requests_total", ".*"),
)

# Annotations of all graphs: name, colour, expression, text.
MARKS = (
    ("Proxy starts", "blue", increase(of("coderouter_starts_total"), "instance"), "started: {{instance}}"),
    (
        "Configuration reloaded",
        "green",
        increase(of("cr_exporter_events_total", 'event="config-reloaded"'), "instance"),
        "configuration reloaded: {{instance}}",
    ),
    (
        "Configuration rejected",
        "red",
        increase(of("cr_exporter_events_total", 'event="config-reload-failed"'), "instance"),
        "invalid configuration, keeping the previous one: {{instance}}",
    ),
)

HEIGHTS = {Kind.STAT: 4}


def document(rows: Iterable[Row]) -> str:
    """Return the JSON text; `id` is null, so that Grafana assigns one."""
    built = (
        build.Dashboard("CodeRouter")
        .uid("coderouter")
        .description("Traffic of the CodeRouter proxies, as counted by cr-exporter.")
        .tags(["coderouter", "llm", "prometheus"])
        .readonly()
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .variables([_source(), *(_variable(*variable) for variable in VARIABLES), _page()])
        .annotations([_mark(*mark) for mark in MARKS])
    )
    number = 0
    for row in rows:
        number += 1
        built.with_row(build.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            built.with_panel(_panel(panel).id(number))
    fields = json.loads(JSONEncoder().encode(built.build()))
    fields["panels"] = _collapsed(fields["panels"])
    return json.dumps(fields | {"id": None}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _collapsed(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the panels with those of all rows but the first inside their row, which opens at a click."""
    shown: list[dict[str, Any]] = []
    closed: dict[str, Any] | None = None
    y = moved_up = 0
    for panel in panels:
        place = panel["gridPos"]
        if panel["type"] == "row" and shown:
            moved_up = place["y"] - y
            closed = panel | {"collapsed": True, "gridPos": place | {"y": y}, "panels": []}
            shown.append(closed)
            y += place["h"]
        elif closed is not None:
            closed["panels"].append(panel | {"gridPos": place | {"y": place["y"] - moved_up}})
        else:
            shown.append(panel)
            y = place["y"] + place["h"]
    return shown


def _page() -> build.TextBoxVariable:
    return (
        build.TextBoxVariable("page")
        .label("Exporter's page")
        .default_value("http://127.0.0.1:9847/dashboard")
    )


def _source() -> build.DatasourceVariable:
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _variable(label: str, metric: str, all_value: str) -> build.QueryVariable:
    known = {"job": metric, "instance": f'{metric}{{job=~"$job"}}'}
    query = f"label_values({known.get(label, of(metric))}, {label})"
    everything = model.VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        build.QueryVariable(label)
        .label(label.capitalize())
        .datasource(SOURCE)
        .query({"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"})
        .definition(query)
        .multi(True)
        .include_all(True)
        .all_value(all_value)
        .current(everything)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _mark(name: str, colour: str, expr: str, title: str) -> build.AnnotationQuery:
    return (
        build.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)
        .icon_color(colour)
        .expr(f"{expr} > 0")
        .title_format(title)
    )


def _panel(panel: Panel) -> Visual:
    visual = (
        VISUALS[panel.kind](panel)
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .height(HEIGHTS.get(panel.kind, 8))
        .span(panel.width)
        .no_value("no traffic" if panel.needs_traffic else "no data")
    )
    if panel.requests:
        link = build.DashboardLink("Requests").url(f"${{page}}#requests?{panel.requests}").target_blank(True)
        visual = visual.data_links([link])
    for letter, query in panel.lettered:
        visual = visual.with_target(_target(letter, query, panel.kind))
    return visual


def _target(letter: str, query: Query, kind: Kind) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery().ref_id(letter).datasource(SOURCE).expr(query.expr).legend_format(query.legend)
    )
    match kind:
        case Kind.TABLE:
            return target.format(PromQueryFormat.TABLE).instant()
        case Kind.HEATMAP:
            return target.format(PromQueryFormat.HEATMAP).range()
        case Kind.GAUGE:
            return target.instant()
        case _:
            return target.range().exemplar(kind is Kind.LINES and "histogram_quantile" in query.expr)
