"""`cr-exporter backfill`: the history of event files, up to a real Prometheus that serves it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from coderouter_exporter.families.proxy import PROVIDER_ATTEMPTS
from coderouter_exporter.offline.backfill import TooManySteps, backfill
from coderouter_exporter.offline.fold_files import chunks, fold_files
from support.exporter.process import CR_EXPORTER, line, tried
from support.processes import clean_environment
from support.programs import program
from support.prometheus.server import running_prometheus
from support.run_command import run

pytestmark = pytest.mark.slow

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float, noon: datetime = NOON) -> str:
    return (noon + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def history(path: Path, step_ms: int = 10_000, **labels: str) -> dict[str, list[tuple[float, float]]]:
    """Return time since noon and value of each sample of the tries, by provider."""
    text = "".join(backfill(chunks([path]), step_ms=step_ms, labels=labels.items()))
    found: dict[str, list[tuple[float, float]]] = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            if sample.name == PROVIDER_ATTEMPTS.name:
                assert sample.labels.items() >= labels.items()
                assert sample.timestamp is not None
                samples = found.setdefault(sample.labels["provider"], [])
                samples.append((float(sample.timestamp) - NOON.timestamp(), sample.value))
    return found


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_every_series_has_its_total_at_every_step_and_is_0_before_its_first_event(events: Path) -> None:
    events.write_bytes(
        tried("a", ts=at(3)) + tried("b", ts=at(4)) + tried("a", ts=at(25.5)) + tried("b", ts=at(40))
    )
    assert history(events, job="coderouter") == {
        "a": [(0, 0), (10, 1), (20, 1), (30, 2), (40, 2)],
        "b": [(0, 0), (10, 1), (20, 1), (30, 1), (40, 2)],
    }


def test_the_step_may_be_shorter_than_a_second(events: Path) -> None:
    events.write_bytes(tried("a", ts=at(0.1)) + tried("a", ts=at(0.9)))
    assert history(events, step_ms=500) == {"a": [(0, 0), (0.5, 1), (1, 2)]}


def test_an_event_with_an_older_time_or_none_counts_with_the_previous_one(events: Path) -> None:
    lines = (
        tried("a", ts=at(15)),
        tried("a", ts=at(3)),
        tried("a", ts="?"),
        b"not an event\n",
        tried("a", ts=at(21)),
    )
    events.write_bytes(b"".join(lines))
    assert history(events) == {"a": [(10, 0), (20, 3), (30, 4)]}


def test_an_event_from_the_future_counts_with_the_previous_one(events: Path) -> None:
    future = tried("a", ts="2150-01-01T00:00:00.000Z")
    events.write_bytes(tried("a", ts=at(3)) + future + tried("a", ts=at(15)))
    assert history(events) == {"a": [(0, 0), (10, 2), (20, 3)]}


def test_files_without_an_event_have_no_history(events: Path) -> None:
    events.write_bytes(b"not an event\n")
    assert list(backfill(chunks([events]), step_ms=1000)) == ["# EOF\n"]


def test_a_wrong_time_is_refused_instead_of_filling_the_disk(events: Path) -> None:
    events.write_bytes(tried("a", ts="1970-01-01T00:00:01.000Z") + tried("a", ts=at(0)))
    with pytest.raises(
        TooManySteps, match=r"from 1970-01-01 00:00:10 to 2026-11-23 12:00:00, which is more than"
    ):
        list(backfill(chunks([events]), step_ms=10_000))


def test_the_last_step_has_the_totals_of_a_fold(events: Path) -> None:
    names = [f"p{number % 7}" for number in range(1000)]
    events.write_bytes(b"".join(tried(name, ts=at(0.5 * number)) for number, name in enumerate(names)))
    totals = fold_files([events]).totals(PROVIDER_ATTEMPTS)
    assert {provider: samples[-1][1] for provider, samples in history(events).items()} == {
        provider: total for (provider,), total in totals.items()
    }


@pytest.mark.parametrize(
    "option",
    [
        ("--step", "15"),
        ("--step", "0s"),
        ("--step", "99999999999d"),
        ("--step", "9" * 5000 + "s"),
        ("--label", "job"),
        ("--label", "provider=x"),
        ("--label", "__name__=x"),
        ("--label", "job=\udcff"),
        ("--series-max", "9" * 20),
    ],
)
def test_a_wrong_option_is_explained(events: Path, option: tuple[str, str]) -> None:
    events.touch()
    ended = run((CR_EXPORTER, "backfill", *option, events))
    assert ended.code == 2
    assert option[1].split("=")[0] in ended.stderr


PEAK = """
import re, sys
from pathlib import Path
from coderouter_exporter.cli import main
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1], file=sys.stderr)
"""


@pytest.mark.long
def test_memory_does_not_grow_with_the_history(tmp_path: Path) -> None:
    def peak_kb(seconds: int) -> int:
        path = tmp_path / f"{seconds}.jsonl"
        numbers = range(1, 50 * seconds + 1)
        path.write_bytes(b"".join(tried(f"p{n % 50}", ts=at(n // 50), writer="w", seq=n) for n in numbers))
        command = (sys.executable, "-c", PEAK, "backfill", "--step", "1s", path)
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        return int(ended.stderr)

    assert peak_kb(2400) - peak_kb(400) < 4096


def yesterday(noon: datetime) -> Iterator[bytes]:
    """Two hours from noon: `local` is tried every 10 s and answers, after an hour `cloud` is tried every minute."""
    numbers = iter(range(1, 10_000))

    def stamped(msg: str, second: int, **fields: object) -> bytes:
        return line(
            msg, ts=at(second, noon), writer="w", seq=next(numbers), request_id="r", stream=False, **fields
        )

    yield stamped("coderouter-startup", 0, providers=["local"], version="2.0.0")
    for second in range(10, 7201, 10):
        yield stamped("try-provider", second, provider="local")
        yield stamped("provider-ok", second, provider="local", duration_s=0.5)
        if second > 3600 and second % 60 == 0:
            yield stamped("try-provider", second, provider="cloud")


def test_prometheus_answers_for_yesterday(tmp_path: Path) -> None:
    noon = datetime.fromtimestamp(time.time() // 86400 * 86400 - 43200, UTC)
    promtool = program("promtool")
    events, document, storage = tmp_path / "events.jsonl", tmp_path / "history.om", tmp_path / "tsdb"
    events.write_bytes(b"".join(yesterday(noon)))
    with document.open("wb") as stdout:
        command = (CR_EXPORTER, "backfill", "--label", "job=coderouter", events)
        subprocess.run(command, stdout=stdout, env=clean_environment(), check=True)
    blocks = ("tsdb", "create-blocks-from", "openmetrics", document, storage)
    subprocess.run([promtool, *blocks], check=True, capture_output=True)

    start = noon.timestamp()
    with running_prometheus(storage) as prometheus:
        assert prometheus.query("coderouter_requests_total", start) == {("coderouter",): 0}
        assert prometheus.query("coderouter_requests_total", start + 600) == {("coderouter",): 60}
        assert prometheus.query("sum by (provider) (coderouter_provider_attempts_total)", start + 7200) == {
            ("local",): 720,
            ("cloud",): 60,
        }
        assert prometheus.query("increase(coderouter_requests_total[30m])", start + 5400) == {
            ("coderouter",): 210
        }
        assert prometheus.query(
            "sum by (provider) (rate(coderouter_provider_attempts_total[10m]))", start + 5400
        ) == {
            ("local",): pytest.approx(0.1),
            ("cloud",): pytest.approx(1 / 60),
        }
        ok = 'coderouter_provider_outcomes_total{outcome="ok"}'
        assert prometheus.query(ok, start + 3600) == {("coderouter", "ok", "local"): 360}
