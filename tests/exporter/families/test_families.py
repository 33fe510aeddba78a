import re
import shutil
import subprocess
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import get_type_hints

import pytest

from coderouter_exporter.engine.published import Published, SourceStatus
from coderouter_exporter.families.coderouter_2x import CONTEXT_USAGE, PROBE_LATENCY
from coderouter_exporter.families.coderouter_2x import FAMILIES as FAMILIES_2X
from coderouter_exporter.families.kinds import (
    MICRO,
    NANO,
    Counter,
    EachOf,
    Feed,
    Gauge,
    Histogram,
    Sum,
)
from coderouter_exporter.families.table import (
    COUNTERS,
    FAMILIES,
    FED,
    GAUGES,
    HISTOGRAMS,
    metric_table,
    metric_table_2x,
)
from coderouter_exporter.records.record import RECORDS
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.outbox import Unsent
from coderouter_exporter.state.document import Document
from coderouter_exporter.state.reported import CatalogEntry, ProxyHeartbeat, Queue, StartupInfo
from coderouter_exporter.state.state import State

FEEDS = [(family, feed) for family in FED for feed in family.feeds]
EMPTY = View(state=State(created_ts=1.0), now_ts=2.0)
SERVED = View(
    state=State(
        created_ts=1.0,
        startup=StartupInfo(
            ts=1.0, providers=["p"], catalog=[CatalogEntry(name="p", monthly_budget_usd=20.0)]
        ),
        heartbeats={"w": ProxyHeartbeat(1.0, in_flight=1, queues=(Queue("p", in_flight=1, waiting=0),))},
        newest_values={gauge.name: {"p": 1.0} for gauge in (CONTEXT_USAGE, PROBE_LATENCY)},
    ),
    now_ts=2.0,
    published=Published(
        document=Document(b""),
        caught_up=True,
        unsent=Unsent(),
        commits_failing=0,
        commit_duration_s=0.01,
        files_pending=0,
        sources=(
            SourceStatus(path=Path("events.jsonl"), readable=True, bytes_behind=0, reason="no such file"),
        ),
    ),
)


@pytest.mark.parametrize(("family", "feed"), FEEDS, ids=[f"{f.name}-{e.event.msg}" for f, e in FEEDS])
def test_a_feed_reads_fields_that_its_event_has_and_the_record_decodes(
    family: Counter | Histogram, feed: Feed
) -> None:
    assert {*feed.fields()} <= {field.name for field in fields(feed.event)}
    assert {*feed.fields()} <= set(RECORDS[feed.event.msg].__struct_fields__)
    assert len(feed.labels) == len(family.labels)


def test_a_list_field_is_the_only_label_of_its_counter() -> None:
    for _, feed in FEEDS:
        assert len(feed.labels) == 1 or not any(isinstance(label, EachOf) for label in feed.labels)


def test_a_histogram_observes_numbers_and_its_buckets_ascend_in_whole_units() -> None:
    for histogram in HISTOGRAMS:
        assert all(isinstance(feed.adds, Sum) for feed in histogram.feeds)
        assert list(histogram.buckets) == sorted(set(histogram.buckets))
        assert all(round(bound * histogram.scale) / histogram.scale == bound for bound in histogram.buckets)


def test_a_counter_is_kept_in_small_units_exactly_if_it_adds_fractions() -> None:
    for counter in COUNTERS:
        added = {
            get_type_hints(feed.event)[name]
            for feed in counter.feeds
            if isinstance(feed.adds, Sum) and isinstance(name := feed.adds.field, str)
        }
        assert (counter.scale in (MICRO, NANO)) == bool(added & {float, float | None})


def test_names_follow_the_rules_of_prometheus() -> None:
    names = [family.name for family in FAMILIES]
    assert len(names) == len(set(names))
    for family in FAMILIES:
        assert re.fullmatch(r"(coderouter|cr_exporter)(_[a-z]+)+", family.name)
        assert family.name.endswith("_total") == isinstance(family, Counter)
        assert not {"type", "job", "instance", "le", "quantile"} & set(family.labels)
        assert family.help.endswith(".")


@pytest.mark.parametrize("gauge", GAUGES, ids=lambda gauge: gauge.name)
def test_a_gauge_reads_a_number_of_the_view_or_with_labels_one_for_each_combination(gauge: Gauge) -> None:
    value = attrgetter(gauge.reads)(SERVED)
    if gauge.labels:
        assert value
        assert all(len(labels) == len(gauge.labels) for labels in value)
    else:
        assert isinstance(value, (int, float))


def test_label_values_are_preset_for_all_labels_of_a_counter_or_for_none() -> None:
    for counter in COUNTERS:
        assert len(counter.preset) in (0, len(counter.labels))


def test_every_family_is_announced_before_it_has_a_sample() -> None:
    text = render(EMPTY, Format.TEXT).decode()
    for family in FAMILIES:
        if not isinstance(family, Gauge) or not family.live:
            assert f"\n# TYPE {family.name} " in "\n" + text


def test_counters_without_labels_start_at_0() -> None:
    assert "coderouter_requests_total 0.0\n" in render(EMPTY, Format.TEXT).decode()


def test_the_table_for_the_readme_has_a_row_for_each_family() -> None:
    rows = [*metric_table().splitlines()[2:], *metric_table_2x().splitlines()[2:]]
    assert [row.split("`")[1] for row in rows] == [
        family.name for family in FAMILIES if family not in FAMILIES_2X
    ] + [family.name for family in FAMILIES_2X]
    assert all(row.count("|") == 6 for row in rows)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_no_problem(tmp_path: Path) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=render(EMPTY, Format.TEXT), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
