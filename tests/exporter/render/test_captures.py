"""Files that CodeRouter 1.7 and 2.19 wrote, folded, against what each of them served at that moment.

`.jsonl` are the events, `.prom` its own /metrics, `.json` its own /metrics.json.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coderouter_exporter.families import exporter, proxy
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.offline.fold_files import fold_files
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from support.exporter.golden import DATA
from support.exporter.process import running_exporter

CAPTURES = ("coderouter-1.7-captured", "coderouter-2.19")
CAPTURE_2X = DATA / "coderouter-2.19.jsonl"
# Ours under another name or with more labels; deploy/prometheus/coderouter-2x-compat.yml gives them these.
RECORDED = {
    "coderouter_cache_read_tokens_total",
    "coderouter_cache_creation_tokens_total",
    "coderouter_cost_total_usd_total",
}
UPTIME = "coderouter_uptime_seconds"  # its events have whole seconds

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

DOLLARS_APART = 0.000_003

each_capture = pytest.mark.parametrize("name", CAPTURES)


def samples(text: str) -> Samples:
    """Return the value of each series; amounts in dollars to the micro-dollar, as both of them serve."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): round(sample.value, 6)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@cache
def view(name: str) -> View:
    state = fold_files([DATA / f"{name}.jsonl"])
    return View(state=state, now_ts=state.last_event_ts)


def served_by_peer(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


@each_capture
def test_each_sample_of_a_family_that_both_have_is_equal(name: str) -> None:
    ours = samples(render(view(name), Format.TEXT).decode())
    peers = samples((DATA / f"{name}.prom").read_text(encoding="utf-8"))
    names = {series[0] for series in peers} - RECORDED - {UPTIME}
    assert names <= {series[0] for series in ours}
    for series in peers.keys() | ours.keys():
        if series[0] in names:
            assert ours.get(series, 0) == peers.get(series, 0), series
    assert abs(ours[UPTIME, ()] - peers[UPTIME, ()]) < 2


def test_the_rules_have_names_that_we_do_not_serve() -> None:
    served = {series[0] for series in samples(render(view("coderouter-2.19"), Format.TEXT).decode())}
    assert not RECORDED & served


def differences(path: str, ours: Any, peers: Any) -> Iterable[str]:
    """Yield where ours lacks something of the peer's; names that it has not counted may be there with 0."""
    if isinstance(peers, dict):
        for key, value in peers.items():
            yield from differences(f"{path}.{key}", ours.get(key) if isinstance(ours, dict) else None, value)
        if path != "counters" and path.startswith("counters"):
            yield from (f"{path}.{key}" for key in ours.keys() - peers.keys() if counted(ours[key]))
    elif peers is not None and not same(ours, peers):
        yield f"{path}: {ours!r} instead of {peers!r}"


def same(ours: Any, peers: Any) -> bool:
    """Return whether they are equal; dollars may differ, because we round the cost of each response to a millionth."""
    return bool(abs(ours - peers) < DOLLARS_APART) if isinstance(peers, float) else bool(ours == peers)


def counted(value: Any) -> bool:
    return any(map(counted, value.values())) if isinstance(value, dict) else bool(value)


@each_capture
def test_its_json_has_every_counter_and_provider_with_the_same_value(name: str) -> None:
    ours, peers = report(view(name)), served_by_peer(name)
    assert peers["counters"].keys() <= ours["counters"].keys()  # type: ignore[attr-defined]
    assert not list(differences("counters", ours["counters"], peers["counters"]))
    by_name: dict[str, Any] = {row["name"]: row for row in ours["providers"]}  # type: ignore[attr-defined]
    for row in peers["providers"]:
        assert row.keys() <= by_name[row["name"]].keys()
        error = row.pop("last_error")
        assert not list(differences(row["name"], by_name[row["name"]], row))
        if error is not None:  # it cuts messages
            assert not error.keys() - by_name[row["name"]]["last_error"].keys()


@each_capture
def test_its_json_has_every_key_and_the_startup_as_it_was(name: str) -> None:
    ours, peers = report(view(name)), served_by_peer(name)
    assert peers.keys() <= ours.keys()
    assert not list(differences("startup", ours["startup"], peers["startup"]))
    for section in ("providers", "profiles"):
        [first, *_], [peer, *_] = ours["config"][section], peers["config"][section]  # type: ignore[index]
        assert peer.keys() <= first.keys()


@each_capture
def test_recent_attempts_have_the_same_keys_and_values(name: str) -> None:
    attempts = {"try-provider", "provider-ok", "provider-failed", "provider-failed-midstream"}
    peers = [entry for entry in served_by_peer(name)["recent"] if entry["event"] in attempts]
    assert report(view(name))["recent"][-len(peers) :] == peers  # type: ignore[index]


def requests_with_fallbacks() -> int:
    """Return how many requests moved on after an attempt: the lines of each are numbered from 0."""
    lines = [json.loads(line) for line in CAPTURE_2X.read_text(encoding="utf-8").splitlines()]
    requests: list[list[dict[str, Any]]] = []
    for hop in (line for line in lines if line["msg"] == "fallback-occurred"):
        if hop["hop_index"] == 0:
            requests.append([])
        requests[-1].append(hop)
    return sum(any(not hop["pre_attempt"] and hop["to_provider"] for hop in hops) for hops in requests)


def test_a_request_with_several_fallbacks_is_counted_once() -> None:
    totals = view("coderouter-2.19").state.totals(proxy.FALLBACKS)
    assert sum(totals.values()) == requests_with_fallbacks() > 20


@each_capture
def test_lines_read_one_by_one_are_counted_as_those_read_at_once(name: str) -> None:
    state = State(created_ts=1.0)
    for line in (DATA / f"{name}.jsonl").read_bytes().splitlines(keepends=True):
        fold(state, Chunk(line, len(line)))
    whole = view(name).state
    assert state.counts == whole.counts
    assert state.newest_values == whole.newest_values


def test_the_live_exporter_serves_the_same(tmp_path: Path) -> None:
    with running_exporter(CAPTURE_2X, state=tmp_path / "exporter.db", TZ="UTC") as served:
        _, body = served.get("/metrics")
    live = samples(body.decode())
    for series, value in samples(render(view("coderouter-2.19"), Format.TEXT).decode()).items():
        if series[0].startswith("coderouter_") and series[0] != UPTIME:
            assert live[series] == value, series


def test_only_lines_of_its_libraries_and_internals_are_unknown() -> None:
    counts = view("coderouter-2.19").state.counts[exporter.EVENTS_READ.name]
    assert counts["cache-observed",] > 100
    assert not {"httpx", "sse-midstream-error"} & {event for (event,) in counts}
