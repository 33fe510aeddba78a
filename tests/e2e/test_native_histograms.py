"""A real Prometheus stores native histograms, with their exemplars; also after an upgrade of the state."""

import math
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from support.exporter.process import Exporter, append, line, running_exporter
from support.processes import eventually
from support.prometheus.server import Prometheus, running_prometheus

pytestmark = pytest.mark.slow

NAME = "coderouter_provider_duration_seconds"
DURATIONS_S = [0.0, 0.031, 0.25, 0.25, 0.26, 1.7, 9.0, 250.0]
WIDTH = 2 ** (1 / 8)
OLDER_SCHEMA = 3


def test_prometheus_stores_native_histograms(tmp_path: Path) -> None:
    with _counted(tmp_path) as exporter, _scraping(tmp_path, exporter.port) as prometheus:
        _append_durations(tmp_path)
        eventually(lambda: _count(prometheus) == len(DURATIONS_S))
        [total] = prometheus.query(f"histogram_sum({NAME})").values()
        assert math.isclose(total, sum(DURATIONS_S))
        [share_of_zeros] = prometheus.query(f"histogram_fraction(-1, 1e-9, {NAME})").values()
        assert math.isclose(share_of_zeros, 1 / len(DURATIONS_S))
        [median] = prometheus.query(f"histogram_quantile(0.5, {NAME})").values()
        assert 0.25 / WIDTH < median <= 0.26 * WIDTH
        [longest] = prometheus.query(f"histogram_quantile(1, {NAME})").values()
        assert 250 / WIDTH < longest <= 250 * WIDTH
        assert prometheus.query(f"{NAME}_bucket") == {}


def test_prometheus_stores_the_exemplars_of_native_histograms(tmp_path: Path) -> None:
    with _counted(tmp_path) as exporter, _scraping(tmp_path, exporter.port) as prometheus:
        _append_durations(tmp_path)
        found = eventually(lambda: prometheus.exemplars(NAME))
        assert {exemplar["labels"]["request_id"] for exemplar in found} <= {
            f"req_{number}" for number in range(len(DURATIONS_S))
        }


def test_native_histograms_of_an_older_state_begin_at_0_and_counters_continue(tmp_path: Path) -> None:
    with _counted(tmp_path):
        _append_durations(tmp_path)
    _store_as_an_older_version(tmp_path / "state.db")
    with _counted(tmp_path) as exporter, _scraping(tmp_path, exporter.port) as prometheus:
        eventually(lambda: _count(prometheus) == 0)
        outcomes = 'coderouter_provider_outcomes_total{outcome="ok",provider="p"}'
        assert list(prometheus.query(outcomes).values()) == [len(DURATIONS_S)]
        append(tmp_path / "events.jsonl", _answered(100, 0.5))
        eventually(lambda: _count(prometheus) == 1)
        [total] = prometheus.query(f"histogram_sum({NAME})").values()
        assert total == 0.5


@contextmanager
def _counted(folder: Path) -> Iterator[Exporter]:
    """Run an exporter that has counted what is in the event file."""
    with running_exporter(folder / "events.jsonl", state=folder / "state.db") as exporter:
        eventually(exporter.is_ready)
        yield exporter
        exporter.get("/metrics")


@contextmanager
def _scraping(folder: Path, port: int) -> Iterator[Prometheus]:
    job = {"job_name": "coderouter", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    features = "--enable-feature=native-histograms,exemplar-storage"
    with running_prometheus(folder / "tsdb", [job], options=[features]) as prometheus:
        yield prometheus


def _append_durations(folder: Path) -> None:
    lines = [_answered(number, duration_s) for number, duration_s in enumerate(DURATIONS_S)]
    append(folder / "events.jsonl", *lines)


def _answered(number: int, duration_s: float) -> bytes:
    return line(
        "provider-ok", request_id=f"req_{number}", provider="p", stream=True, duration_s=duration_s, seq=number + 1,
        writer="w",
    )  # fmt: skip


def _count(prometheus: Prometheus) -> float | None:
    return prometheus.query(f"sum(histogram_count({NAME}))").get(())


def _store_as_an_older_version(path: Path) -> None:
    """Take out of the newest generation what versions without native buckets do not store."""
    db = sqlite3.connect(path)
    [(number, document)] = db.execute("SELECT id, document FROM generation ORDER BY id DESC LIMIT 1")
    stored = msgspec.msgpack.decode(document, strict=False)
    del stored["native_ts"]
    for histogram in stored["observed"].values():
        for series in histogram.values():
            del series["native"], series["before"]
    older = msgspec.msgpack.encode(stored)
    db.execute("UPDATE generation SET crc = ?, document = ? WHERE id = ?", (zlib.crc32(older), older, number))
    db.execute(f"PRAGMA user_version={OLDER_SCHEMA}")
    db.commit()
    db.close()
