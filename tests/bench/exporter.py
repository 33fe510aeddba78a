"""The exporter compared with bare orjson and mtail on the same lines, and its cost while it follows and idles."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import which

from bench.figures import Figure, Unmeasured, at_least, at_most, cpu_s, ratios, rss_mb
from bench.traffic import append_copies, write_startup, write_traffic
from support.exporter.process import Exporter, append, running_exporter, tried
from support.exporter.sample_events import an_hour
from support.processes import clean_environment, eventually, running

REQUESTS = 166_667
"""Half a million lines."""
LARGE_BYTES = 1 << 30
BLOCK_LINES = 50_000
IDLE_S = 20
LIVE_S = 10
LIVE_LINES_PER_S = 1_000
WRITES = 200
SCRAPES = 50
REPORTED_PROVIDERS = 50
PROVIDERS = 44
"""Each has 22 series before its first event, 13 of them its errors by type."""
PROGRAMS = Path(__file__).parent
MTAIL_PROGRAMS = {"four families": 6.0, "our histograms": 6.0}
"""What mtail counts, each with how many times faster we are to be."""
BARE = """
import sys, time, orjson
lines = open(sys.argv[1], "rb").read().splitlines()
started = time.perf_counter()
for line in lines:
    orjson.loads(line)
print(time.perf_counter() - started)
"""


def figures() -> Iterator[Figure | Unmeasured]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "traffic.jsonl"
        write_traffic(path, REQUESTS)
        yield from _catch_up(folder, path)
        yield from _following(folder)
        yield from _scrapes(folder)
        yield from _reports(folder)
        yield from _large_file(folder, path)


def _catch_up(folder: Path, path: Path) -> Iterator[Figure | Unmeasured]:
    """Measure from the file's appearance to a scrape that includes all of it, with commits and scrapes."""

    def bare() -> float:
        command = (sys.executable, "-c", BARE, path)
        return float(subprocess.run(command, capture_output=True, check=True).stdout)

    def ours() -> float:
        return _caught_up_s(folder, path)

    yield at_least("catch-up, share of bare orjson.loads", ratios(bare, ours, rounds=7), 0.75, "x")
    mtail = which("mtail")
    for program, limit in MTAIL_PROGRAMS.items():
        name = f"catch-up, over mtail with {program}"
        if mtail is None:
            yield Unmeasured(name, "mtail is not installed")
            continue
        theirs = partial(_mtail_s, mtail, path, PROGRAMS / f"{program.replace(' ', '-')}.mtail")
        yield at_least(name, ratios(theirs, ours, rounds=5), limit, "x")


def _caught_up_s(folder: Path, path: Path) -> float:
    with _exporter(folder) as (exporter, events):
        eventually(exporter.is_ready)
        started = time.perf_counter()
        os.link(path, events)
        while _tries(exporter) < REQUESTS:
            pass
        return time.perf_counter() - started


def _mtail_s(mtail: str, path: Path, program: Path) -> float:
    command = (mtail, "--one_shot", "--one_shot_format=prometheus", "--progs", program, "--logs", path)
    started = time.perf_counter()
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took_s = time.perf_counter() - started
    assert f'coderouter_requests_total{{prog="{program.name}"}} {REQUESTS}\n' in output
    return took_s


def _following(folder: Path) -> Iterator[Figure]:
    with _exporter(folder) as (exporter, events):
        append(events, tried())
        _tries(exporter)
        yield at_most("CPU of an idle exporter", _cpu_share(exporter, IDLE_S) * 100, 0.05, "%")
        arguments = (str(LIVE_LINES_PER_S * (LIVE_S + 2)), str(LIVE_LINES_PER_S))
        with running(
            sys.executable, "-m", "support.exporter.writer", events, *arguments, env=clean_environment()
        ):
            eventually(lambda: _tries(exporter) > 100)
            yield at_most("CPU while 1,000 events/s are written", _cpu_share(exporter, LIVE_S) * 100, 1, "%")
        yield at_most("memory of the exporter after that", rss_mb(exporter.command.process.pid), 60, "MB")


def _scrapes(folder: Path) -> Iterator[Figure]:
    with _exporter(folder) as (exporter, events):
        write_startup(events, PROVIDERS)
        included, took_s = 0, []
        for number in range(1, WRITES + 1):
            append(events, tried())
            started = time.perf_counter()
            included += _tries(exporter) == number
            took_s.append(time.perf_counter() - started)
        yield at_least("scrapes that include what was written before them", included / WRITES * 100, 100, "%")
        yield at_most(
            "from a write to the end of its scrape, 1,000 series", [each * 1000 for each in took_s], 50, "ms"
        )
        before = cpu_s(exporter.command.process.pid)
        for _ in range(SCRAPES):
            exporter.get("/metrics")
        used_s = cpu_s(exporter.command.process.pid) - before
        yield at_most("CPU of a scrape of 1,000 series", used_s / SCRAPES * 1000, 30, "ms")


def _reports(folder: Path) -> Iterator[Figure]:
    """Request what the dashboard shows, after a day of traffic."""
    with _exporter(folder) as (exporter, events):
        now = time.time()
        for hour in range(24):
            append(events, *an_hour(now - hour * 3600, f"hour-{hour}"))
        write_startup(events, REPORTED_PROVIDERS)
        exporter.get("/api/v1/requests?limit=1")  # once all have become rows, which no report waits for
        for hours in (1, 24):
            path = f"/metrics.json?hours={hours}"
            exporter.get(path)
            before = cpu_s(exporter.command.process.pid)
            for _ in range(SCRAPES):
                exporter.get(path, Accept_Encoding="gzip")
            used_s = cpu_s(exporter.command.process.pid) - before
            name = f"CPU of a report of {REPORTED_PROVIDERS} providers and {hours} h"
            yield at_most(name, used_s / SCRAPES * 1000, 5, "ms")


def _large_file(folder: Path, path: Path) -> Iterator[Figure]:
    with path.open("rb") as file:
        text = b"".join(next(file) for _ in range(BLOCK_LINES))
    path.unlink()
    with _exporter(folder) as (exporter, events):
        append_copies(events, text, LARGE_BYTES // len(text) + 1)
        eventually(lambda: exporter.scrape()["cr_exporter_bytes_behind", ()] == 0, within_s=120)
        yield at_most("peak memory over a file of 1 GB", _peak_mb(exporter.command.process.pid), 60, "MB")


def _cpu_share(exporter: Exporter, seconds: float) -> float:
    before, started = cpu_s(exporter.command.process.pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(exporter.command.process.pid) - before) / (time.monotonic() - started)


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _tries(exporter: Exporter) -> float:
    _, body = exporter.get("/metrics")
    return float(body.partition(b"\ncoderouter_requests_total ")[2].partition(b"\n")[0])


@contextmanager
def _exporter(folder: Path) -> Iterator[tuple[Exporter, Path]]:
    """Run an exporter without state, for an event file that does not exist yet."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        events = Path(own) / "events.jsonl"
        with running_exporter(events, state=Path(own) / "exporter.db") as exporter:
            yield exporter, events
