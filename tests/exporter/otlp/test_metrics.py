"""What is pushed is what a scrape shows, and the names of the conventions stand for the same numbers."""

import time
from pathlib import Path
from types import MappingProxyType

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    HistogramDataPoint,
    Metric,
)

from coderouter_exporter.families.kinds import Histogram
from coderouter_exporter.families.table import FAMILIES
from coderouter_exporter.otlp.exemplars import Spans, find_spans, request_ids
from coderouter_exporter.otlp.genai import CONVENTIONS, Convention
from coderouter_exporter.otlp.ids import ids
from coderouter_exporter.otlp.metrics import export_request, merged
from coderouter_exporter.otlp.values import resource
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from support.exporter.engine import EngineRig
from support.exporter.otlp_receiver import attributes, metrics_of
from support.exporter.process import append, samples
from support.exporter.requests import Requests
from support.exporter.sample_events import an_hour

NOW = time.time()


@pytest.fixture
def engine(tmp_path: Path) -> EngineRig:
    append(tmp_path / "events.jsonl", *an_hour(NOW))
    engine = EngineRig(tmp_path / "events.jsonl", state=tmp_path / "state.db")
    engine.run_pass()
    engine.build_rows()
    return engine


def view_of(engine: EngineRig) -> View:
    state = engine.published.document.decode()
    return View(state=state, now_ts=NOW, published=engine.published)


def pushed(view: View, spans: Spans = MappingProxyType({})) -> dict[str, Metric]:
    request, points = export_request(view, resource({}, 1), spans)
    found = metrics_of(request)
    assert points == sum(
        len(metric.sum.data_points) + len(metric.gauge.data_points) + len(metric.histogram.data_points)
        for metric in found.values()
    )
    return found


def values(metric: Metric) -> dict[tuple[str, ...], float]:
    points = [*metric.sum.data_points, *metric.gauge.data_points]
    return {
        tuple(value for _, value in sorted(attributes(point.attributes).items())): (
            point.as_int if point.HasField("as_int") else point.as_double
        )
        for point in points
    }


def test_every_family_has_the_samples_of_a_scrape(engine: EngineRig) -> None:
    view = view_of(engine)
    scraped = samples(render(view, Format.TEXT).decode())
    found = pushed(view)
    for family in FAMILIES:
        name = family.name
        shown = {labels: value for (sample, labels), value in scraped.items() if sample == name}
        if isinstance(family, Histogram):
            points = found[name].histogram.data_points if name in found else []
            shown = {
                labels: value for (sample, labels), value in scraped.items() if sample == f"{name}_count"
            }
            assert sorted(point.count for point in points) == sorted(shown.values())
            sums = [value for (sample, _), value in scraped.items() if sample == f"{name}_sum"]
            assert sorted(point.sum for point in points) == sorted(sums)
        else:
            assert values(found[name]) == shown if name in found else not shown, name


def test_totals_are_cumulative_since_the_state_began(engine: EngineRig) -> None:
    view = view_of(engine)
    for metric in pushed(view).values():
        starts = {point.start_time_unix_nano for point in metric.sum.data_points}
        starts |= {point.start_time_unix_nano for point in metric.histogram.data_points}
        assert starts <= {int(view.state.created_ts * 1e9)}
        if metric.HasField("sum"):
            assert metric.sum.is_monotonic
            assert metric.sum.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE


def test_a_start_is_never_after_the_time_of_the_point(engine: EngineRig) -> None:
    view = view_of(engine)
    view.state.created_ts = NOW + 60
    [point] = pushed(view)["coderouter_starts_total"].sum.data_points
    assert point.start_time_unix_nano == point.time_unix_nano


def test_units_follow_the_names(engine: EngineRig) -> None:
    found = pushed(view_of(engine))
    assert found["coderouter_uptime_seconds"].unit == "s"
    assert found["coderouter_client_request_duration_seconds"].unit == "s"
    assert found["coderouter_requests_total"].unit == ""


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.name)
def test_a_convention_has_the_numbers_of_its_family_in_its_own_buckets(
    engine: EngineRig, convention: Convention
) -> None:
    families = [family for family, _ in convention.sources]
    assert all(set(convention.bounds) <= set(family.buckets) for family in families)
    found = pushed(view_of(engine))
    ours = [point for family in families for point in found[family.name].histogram.data_points]
    theirs = found[convention.name].histogram.data_points
    assert len(ours) == len(theirs) > 0
    for own, point in zip(ours, theirs, strict=True):
        assert (point.count, point.sum) == (own.count, own.sum)
        assert tuple(point.explicit_bounds) == convention.bounds
        assert {bound: below(point, bound) for bound in convention.bounds} == {
            bound: below(own, bound) for bound in convention.bounds
        }
        assert {"gen_ai.operation.name", "gen_ai.provider.name"} <= attributes(point.attributes).keys()


def below(point: HistogramDataPoint, bound: float) -> int:
    """Return how many observations are at most the bound, which is one of the point's."""
    return sum(point.bucket_counts[: list(point.explicit_bounds).index(bound) + 1])


def test_buckets_are_merged_without_moving_an_observation() -> None:
    assert merged([1, 2, 4, 8, 16], (1.0, 2.0, 3.0, 4.0), (2.0, 4.0)) == [3, 12, 16]
    assert merged([1, 2, 4], (1.0, 2.0), (1.0,)) == [1, 6]


def test_an_exemplar_refers_to_the_span_of_its_request(tmp_path: Path) -> None:
    append(tmp_path / "events.jsonl", Requests(NOW - 60).answered("r1"))
    engine = EngineRig(tmp_path / "events.jsonl", state=tmp_path / "state.db", exports=True)
    engine.run_pass()
    view = view_of(engine)
    assert request_ids(view.state) == {"r1"}
    spans = engine.read(lambda db: find_spans(db, ["r1", "gone"]))
    assert spans == {"r1": ids("r1", "writer-1", None)}
    [point] = pushed(view, spans)["coderouter_client_request_duration_seconds"].histogram.data_points
    [exemplar] = point.exemplars
    assert (exemplar.trace_id, exemplar.span_id) == (spans["r1"].trace_id, spans["r1"].span_id)
    assert exemplar.as_double == 1.0
    series = view.state.histograms["coderouter_client_request_duration_seconds"]["openai", "coding"]
    [(bucket, newest)] = series.exemplars.items()
    series.exemplars[bucket] = newest._replace(ts=NOW + 3600)
    [point] = pushed(view, spans)["coderouter_client_request_duration_seconds"].histogram.data_points
    assert not point.exemplars
