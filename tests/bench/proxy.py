"""The proxy compared with a bare pass-through before the same upstream, and the cost of one event."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench import load
from bench.figures import Figure, at_most, cpu_s, ratios, rss_mb
from coderouter_events.events import ProviderOk
from coderouter_proxy.eventlog.writer import EventLog
from support.processes import clean_environment, free_port, running
from support.proxy import process as support_proxy

CONNECTIONS = 16


@dataclass(frozen=True)
class Workload:
    """One kind of request, and the limit of its cost relative to the bare pass-through at another path."""

    name: str
    path: str
    bare_path: str
    stream: bool
    requests: int
    limit: float
    fields: Mapping[str, Any] = field(default_factory=dict)


WORKLOADS = (
    Workload("whole, 8 KB, over a bare pass-through", load.CHAT, load.CHAT, False, 1500, 1.2),
    Workload("200 chunks, over a bare pass-through", load.CHAT, load.CHAT, True, 100, 1.15),
    Workload(
        "200 chunks in bursts of 20, over a bare pass-through",
        load.CHAT,
        load.CHAT,
        True,
        300,
        1.5,
        {"user": "bursts"},
    ),
    Workload("200 chunks translated, over serializing again", load.MESSAGES, load.MESSAGES, True, 100, 0.8),
)
OF_RESPONSES = (
    Workload(
        "200 chunks to Responses, over serializing again", load.RESPONSES, load.MESSAGES, True, 100, 1.8
    ),
    Workload(
        "200 chunks of Responses, over a bare pass-through",
        load.RESPONSES,
        load.RESPONSES,
        True,
        100,
        1.3,
        {"profile": "responses"},
    ),
)
EVENTS = 20_000


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        yield from _requests(Path(folder))
        yield at_most(
            "one event in the request path",
            [_event_us(Path(folder) / "one.jsonl") for _ in range(5)],
            10,
            "us",
        )


def _requests(folder: Path) -> Iterator[Figure]:
    environment = clean_environment(PYTHONPATH=os.environ["PYTHONPATH"], HOME=str(folder))
    upstream, bare = free_port(), free_port()
    url = f"http://127.0.0.1:{upstream}"
    providers = [
        support_proxy.provider("bench", url),
        support_proxy.provider("responses", url, kind="openai_responses"),
    ]
    config = support_proxy.config(providers, {"default": ["bench"], "responses": ["responses"]})
    with (
        running(sys.executable, "-m", "bench.upstream", str(upstream), env=environment) as up,
        running(sys.executable, "-m", "bench.passthrough", str(bare), url, env=environment) as passthrough,
        support_proxy.serving(folder, config, "--access-log", "off") as proxy,  # as the bare one
    ):
        up.wait_for_port(upstream)
        passthrough.wait_for_port(bare)

        def cost(pid: int, port: int, path: str, workload: Workload) -> float:
            before = cpu_s(pid)
            body = load.request_body(stream=workload.stream, path=workload.path, **workload.fields)
            uvloop.run(load.run(port, body, connections=CONNECTIONS, requests=workload.requests, path=path))
            return (cpu_s(pid) - before) / workload.requests

        def figure(workload: Workload) -> Figure:
            def ours() -> float:
                return cost(proxy.command.process.pid, proxy.port, workload.path, workload)

            def theirs() -> float:
                return cost(passthrough.process.pid, bare, workload.bare_path, workload)

            ratios(ours, theirs, rounds=1)
            return at_most(f"CPU per request, {workload.name}", ratios(ours, theirs, 9), workload.limit, "x")

        yield from map(figure, WORKLOADS)
        yield at_most("memory of the proxy after that", rss_mb(proxy.command.process.pid), 58, "MB")
        yield from map(figure, OF_RESPONSES)  # which are kept in memory, up to 64 MiB
        yield at_most(
            "time to the first byte, added by translation", _added_ms(proxy.port, upstream), 3, "ms"
        )


def _added_ms(proxy_port: int, upstream_port: int) -> list[float]:
    body = load.request_body(stream=True)

    def first_byte_s(port: int, path: str) -> float:
        return uvloop.run(load.first_byte_s(port, body, requests=30, path=path))

    rounds = [
        (first_byte_s(proxy_port, load.MESSAGES), first_byte_s(upstream_port, load.CHAT)) for _ in range(5)
    ]
    return [(ours - direct) * 1e3 for ours, direct in rounds]


def _event_us(path: Path) -> float:
    log = EventLog(path)
    started = time.perf_counter()
    for _ in range(EVENTS):
        log.write(ProviderOk(request_id="req_0123456789", provider="ollama", stream=True, duration_s=0.25))
    return (time.perf_counter() - started) / EVENTS * 1e6
