"""The committed dashboard is generated from its table, and follows the rules of Grafana's dashboard linter."""

import json
import re
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

from coderouter_dashboard.__main__ import DASHBOARD
from coderouter_dashboard.build import document
from coderouter_dashboard.rows import ROWS
from coderouter_exporter.families.table import HISTOGRAMS
from support.docs import ROOT
from support.grafana import (
    Target,
    dashboard,
    expanded,
    expressions,
    listed_series,
    panels,
    targets,
    variables,
)
from support.prometheus import promql

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
COUNTER = re.compile(r".*_(total|bucket|sum|count)$")
NATIVE = {
    *(family.name for family in HISTOGRAMS),
    "vllm:time_to_first_token_seconds",
    "vllm:request_queue_time_seconds",
}
OF_SERVERS = ("vllm:", "llamacpp:")
RANGES = {"Cost, last 24 hours": "1d", "Cost per day": "1d", "Cost, last 30 days": "30d"}
RATES = ("rate", "irate", "increase")

each_panel = pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
each_target = pytest.mark.parametrize("target", targets(), ids=str)
each_expression = pytest.mark.parametrize("expr", expressions())


def test_the_committed_file_is_generated_from_the_table() -> None:
    assert DASHBOARD.read_text(encoding="utf-8") == document(ROWS), "run `make dashboard`"


def test_the_sdk_knows_every_field_of_it() -> None:
    register_default_plugins()
    known = Dashboard.from_json(dashboard())
    assert without_null(json.loads(JSONEncoder().encode(known))) == without_null(dashboard())


def without_null(value: Any) -> Any:
    """Return the value without null fields, which Grafana and its SDK set differently and without effect."""
    match value:
        case dict():
            return {name: without_null(inner) for name, inner in value.items() if inner is not None}
        case list():
            return [without_null(inner) for inner in value]
        case _:
            return value


def test_the_readme_says_what_each_row_answers() -> None:
    readme = (DASHBOARD.parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (.*?) \| .*\?", readme, re.MULTILINE) == [row.title for row in ROWS]


def test_it_can_be_imported_by_hand_and_by_file_provisioning() -> None:
    shown = dashboard()
    assert shown["id"] is None
    assert shown["uid"] == "coderouter"
    assert not any(name.startswith("__") for name in shown)
    assert "${DS_" not in DASHBOARD.read_text(encoding="utf-8")


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in expanded()]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in expanded())
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_the_data_source_is_a_variable() -> None:
    sources = [variable for variable in variables().values() if variable["type"] == "datasource"]
    [source] = sources
    assert (source["name"], source["label"], source["query"]) == ("datasource", "Data source", "prometheus")


@pytest.mark.parametrize(
    ("name", "all_value"), [("job", ".+"), ("instance", ".+"), ("provider", ".+"), ("profile", ".*")]
)
def test_a_variable_offers_several_and_all_and_follows_the_time_range(name: str, all_value: str) -> None:
    variable = variables()[name]
    assert variable["type"] == "query"
    assert variable["datasource"] == SOURCE
    assert variable["label"] == name.capitalize()
    assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, all_value)
    assert variable["refresh"] == 2
    assert re.fullmatch(rf"label_values\(\w+(\{{.*\}})?, {name}\)", variable["query"]["query"])


def test_it_is_not_editable_so_that_an_update_replaces_it() -> None:
    assert dashboard()["editable"] is False


@each_panel
def test_a_panel_uses_the_variable_data_source(panel: dict[str, Any]) -> None:
    assert panel["datasource"] == SOURCE
    assert all(target["datasource"] == SOURCE for target in panel["targets"])


@each_panel
def test_a_panel_has_title_description_unit_and_queries(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]


def test_no_panel_queries_another_kind_of_data_source() -> None:
    assert {target["datasource"]["type"] for panel in panels() for target in panel["targets"]} == {
        "prometheus"
    }


@pytest.mark.parametrize("expr", [*expressions(), *listed_series()])
def test_an_expression_is_promql(expr: str) -> None:
    assert promql.selectors(expr)


@each_target
def test_a_range_is_the_rate_interval_or_the_one_in_the_title(target: Target) -> None:
    ranges = set(re.findall(r"\[(.*?)\]", target.expr))
    assert ranges <= {"$__rate_interval"} or ranges == {RANGES[target.panel["title"]]}


def test_all_rows_but_the_first_are_collapsed() -> None:
    rows = [panel for panel in dashboard()["panels"] if panel["type"] == "row"]
    assert [row["title"] for row in rows] == [row.title for row in ROWS]
    assert [row["collapsed"] for row in rows] == [False] + [True] * (len(rows) - 1)
    assert all(row["panels"] for row in rows[1:])
    shown = [panel["gridPos"]["y"] for panel in dashboard()["panels"]]
    assert shown == sorted(shown)


@each_panel
def test_a_panel_without_traffic_says_so(panel: dict[str, Any]) -> None:
    queries = " ".join(target["expr"] for target in panel["targets"])
    is_of_traffic = "rate(" in queries or "increase(" in queries
    expected = "no traffic" if is_of_traffic else "no data"
    assert panel["fieldConfig"]["defaults"]["noValue"] == expected


def test_links_open_the_requests_view_filtered_by_a_label_of_the_series() -> None:
    linked = [panel for panel in panels() if panel["fieldConfig"]["defaults"].get("links")]
    assert len(linked) > 5
    for panel in linked:
        [link] = panel["fieldConfig"]["defaults"]["links"]
        assert re.fullmatch(r"\$\{page\}#requests\?[\w=&.${}-]+", link["url"])
        assert link["targetBlank"] is True
        for label in re.findall(r"__field\.labels\.(\w+)", link["url"]):
            for target in panel["targets"]:
                assert label in promql.result_labels(target["expr"])
    assert variables()["page"]["query"].endswith("/dashboard")


@each_target
def test_every_selector_names_job_and_instance(target: Target) -> None:
    for selector in promql.selectors(target.expr):
        if selector.metric.startswith(OF_SERVERS):  # other targets than the exporter
            assert selector.matchers.keys() == {"provider"}
            continue
        assert selector.matchers["job"] == "$job"
        assert selector.matchers["instance"] == "$instance"
        assert 'job=~"$job", instance=~"$instance"' in target.expr


@each_expression
def test_a_counter_is_only_shown_as_a_rate_or_an_increase(expr: str) -> None:
    for selector in promql.selectors(expr):
        if COUNTER.match(selector.metric) or selector.metric in NATIVE:
            assert selector.function in RATES


@each_expression
def test_nothing_is_divided_by_what_may_be_zero(expr: str) -> None:
    for divisor in promql.divisors(expr):
        assert re.match(r"clamp_min\(|\(.*> 0\)$", divisor, re.DOTALL)


@each_expression
def test_a_quantile_without_data_is_absent_not_nan(expr: str) -> None:
    if "histogram_quantile(" in expr:
        assert re.fullmatch(r"\(histogram_quantile\(.*\) or histogram_quantile\(.*\)\) >= 0", expr)


@each_expression
def test_what_is_asked_of_classic_buckets_is_asked_of_native_ones(expr: str) -> None:
    asked = [(selector.metric, selector.matchers) for selector in promql.selectors(expr)]
    for metric, matchers in asked:
        histogram, is_part, _ = metric.rpartition("_")
        if is_part and histogram in NATIVE:
            assert (histogram, matchers) in asked


@each_target
def test_a_legend_names_labels_that_the_result_has(target: Target) -> None:
    assert set(re.findall(r"\{\{(\w+)\}\}", target.legend)) <= promql.result_labels(target.expr)


def test_provisioning_files_name_the_data_source_and_the_folder() -> None:
    def read(kind: str) -> Any:
        path = ROOT / "deploy/grafana/provisioning" / kind / "coderouter.yml"
        return yaml.safe_load(path.read_text(encoding="utf-8"))

    [source] = read("datasources")["datasources"]
    [provider] = read("dashboards")["providers"]
    assert source["type"] == variables()["datasource"]["query"]
    assert provider["type"] == "file"
    folder = provider["options"]["path"]
    assert f"{folder}/{DASHBOARD.name}" in (DASHBOARD.parent / "README.md").read_text(encoding="utf-8")
