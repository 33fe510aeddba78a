"""`python -m bench.sizing`: measure the numbers in deploy/sizing.md.

It measures CPU time, not elapsed time, so that a busy machine gives the same numbers as an idle one.
"""

import gzip
import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.figures import cpu_s, rss_mb
from support.exporter.process import Exporter, line, running_exporter
from support.load import loading
from support.processes import SCRIPTS, clean_environment, eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import Proxy, serving
from support.proxy.upstream import serving as upstream_serving

REQUESTS = 2_000
READ_REQUESTS = 10_000
PAGE_EVERY_S = 2.0
SCRAPES = 20
PROVIDERS = (1, 5, 10)
FOLDED_LINES = 500_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        one_machine(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        series(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        folding(Path(folder))


def one_machine(folder: Path) -> None:
    """Half of the requests are streamed; the first provider answers each."""
    with (
        serving(folder, process.config([{"name": "echo", "kind": "echo"}])) as served,
        running_exporter(served.events_path, state=folder / "exporter.db") as exporter,
    ):
        proxy_pid, exporter_pid = served.command.process.pid, exporter.command.process.pid
        eventually(lambda: exporter.tries("echo") == 0 and exporter.is_ready())
        before = served.events_path.stat().st_size, cpu_s(proxy_pid), cpu_s(exporter_pid)
        with loading(served.port, clients=4) as load:
            eventually(lambda: load.answered >= REQUESTS, within_s=120)
        eventually(lambda: has_read_all(exporter))
        written = served.events_path.stat().st_size - before[0]
        lines = served.events_path.read_bytes().splitlines(keepends=True)
        packed = len(gzip.compress(b"".join(lines), 6)) / sum(map(len, lines))
        say("lines of a request", sum(b'"request_id"' in each for each in lines) / load.answered)
        say("bytes of a request", written / load.answered)
        say("  of these after gzip", packed * written / load.answered)
        say("bytes of a heartbeat", max(len(each) for each in lines if b"proxy-heartbeat" in each))
        say("CPU ms of a request, proxy", 1000 * (cpu_s(proxy_pid) - before[1]) / load.answered)
        say("CPU us of an event, exporter", 1e6 * (cpu_s(exporter_pid) - before[2]) / len(lines))
        say("  while requests are read", 1e6 * being_read(served, exporter))
        scraping(exporter)
        say("MB of memory, proxy", rss_mb(proxy_pid))
        say("MB of memory, exporter", rss_mb(exporter_pid))
        say("KB of the exporter's state file", (folder / "exporter.db").stat().st_size / 1000)


def being_read(served: Proxy, exporter: Exporter) -> float:
    """Return the CPU seconds of an event while a page reads the newest requests."""
    pid = exporter.command.process.pid
    read(exporter)  # makes rows of those that wait
    before_s, before = cpu_s(pid), counted(exporter)
    with loading(served.port, clients=4) as load:
        while load.answered < READ_REQUESTS:
            read(exporter)
            time.sleep(PAGE_EVERY_S)
    read(exporter)
    return (cpu_s(pid) - before_s) / (counted(exporter) - before)


def read(exporter: Exporter) -> None:
    exporter.get("/api/v1/requests?limit=50")


def counted(exporter: Exporter) -> float:
    return exporter.scrape()["cr_exporter_lines_total", ("event",)]


def has_read_all(exporter: Exporter) -> bool:
    return exporter.scrape()["cr_exporter_bytes_behind", ()] == 0


def scraping(exporter: Exporter) -> None:
    pid = exporter.command.process.pid
    before_s = cpu_s(pid)
    for _ in range(SCRAPES):
        exporter.scrape()
    say("CPU ms of a scrape", 1000 * (cpu_s(pid) - before_s) / SCRAPES)


def series(folder: Path) -> None:
    """Each provider has a profile, answers over both APIs, streamed and not, and fails once."""
    for number in PROVIDERS:
        names = [f"p{index}" for index in range(number)]
        at = folder / str(number)
        at.mkdir()
        with upstream_serving() as upstream:
            providers = [upstream.provider(name) for name in names]
            entries = [
                process.provider(name, each.base_url) for name, each in zip(names, providers, strict=True)
            ]
            config = process.config(entries, {name: [name] for name in names}, default_profile="p0")
            with (
                serving(at, config) as served,
                running_exporter(served.events_path, state=at / "exporter.db") as exporter,
            ):
                for name, each in zip(names, providers, strict=True):
                    each.plays(says.answer(), says.streamed("Hello"), says.answer(), says.streamed("Hello"))
                    for stream in (False, True):
                        served.chat(stream=stream, profile=name).rest()
                        served.messages(stream=stream, profile=name).rest()
                    served.chat(profile=name).rest()
                shown = exporter.scrape()
                _, packed = exporter.get("/metrics", Accept_Encoding="gzip")
                _, plain = exporter.get("/metrics")
        say(f"series with {number} providers", len(shown))
        say(f"  KB of a scrape with {number} providers", len(plain) / 1000)
        say(f"  KB of it after gzip with {number} providers", len(packed) / 1000)


def folding(folder: Path) -> None:
    """How fast a backlog is read, by `fold` or after the exporter was down."""
    path = folder / "events.jsonl"
    fields = {"request_id": "req_000000000000000000000000", "provider": "local", "stream": True}
    path.write_bytes(
        b"".join(line("try-provider", writer="w", seq=seq, **fields) for seq in range(1, FOLDED_LINES + 1))
    )
    before = os.times()
    command: list[str | Path] = [SCRIPTS / "cr-exporter", "fold", path]
    subprocess.run(command, env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    used_s = after.children_user + after.children_system - before.children_user - before.children_system
    say("lines a CPU second reads", FOLDED_LINES / used_s)


def say(name: str, value: float) -> None:
    print(f"{name:<42} {value:>12,.4g}" if value < 1000 else f"{name:<42} {value:>12,.0f}", flush=True)


if __name__ == "__main__":
    main()
