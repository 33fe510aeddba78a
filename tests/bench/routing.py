"""What the features of routing cost: a proxy that uses them all beside one that uses none, before the same upstream."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import uvloop

from bench import load
from bench.figures import Figure, at_most, cpu_s, ratios
from bench.proxy import CONNECTIONS
from support import processes
from support.proxy.process import Proxy, provider, serving

PAIRS = 5
"""Two processes of the same configuration differ by up to 4 %."""
REQUESTS = 1500
NAMES = ("one", "two")
KEYS = {"BENCH_KEY": "key-1", "BENCH_OTHER_KEY": "key-2"}


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        port = processes.free_port()
        url = f"http://127.0.0.1:{port}"
        environment = processes.clean_environment(PYTHONPATH=os.environ["PYTHONPATH"])
        upstream = processes.running(sys.executable, "-m", "bench.upstream", str(port), env=environment)
        stack.enter_context(upstream).wait_for_port(port)

        def proxy(name: str, config: dict[str, object]) -> Proxy:
            home = Path(folder) / name
            home.mkdir()
            return stack.enter_context(serving(home, config, "--access-log", "off", env=KEYS))

        measured: list[float] = []
        for pair in range(PAIRS):
            on, off = proxy(f"on-{pair}", everything(url)), proxy(f"off-{pair}", nothing(url))
            ours, theirs = partial(_cost_s, on), partial(_cost_s, off)
            ratios(ours, theirs, rounds=1)
            measured += ratios(ours, theirs, rounds=5)
        yield at_most("CPU per request, all of routing in use, over none", measured, 1.05, "x")


def everything(url: str) -> dict[str, object]:
    """Two equals that a conversation stays with, each with keys, places and a known context; and rules for profiles."""
    more = {
        "api_key_env": [*KEYS],
        "max_in_flight": CONNECTIONS,
        "capabilities": {"max_context_tokens": 200_000},
    }
    rule = {
        "id": "subagents",
        "profile": "other",
        "match": {"request_class": "subagent", "agent": "claude-code"},
    }
    return {
        "default_profile": "auto",
        "model_map": {"claude-haiku*": "other", "claude-*": "default"},
        "auto_router": {"rules": [rule], "default_rule_profile": "default"},
        "providers": [provider(name, url, **more) for name in NAMES],
        "profiles": [
            {"name": "default", "providers": [[{"name": "one", "weight": 2}, "two"]], "tool_loop": "warn"},
            {"name": "other", "providers": [*NAMES]},
        ],
    }


def nothing(url: str) -> dict[str, object]:
    """The same providers one after the other, and a rule that only looks at the request itself."""
    rule = {"id": "images", "profile": "other", "match": {"has_image": True}}
    chain = {"providers": [*NAMES], "affinity": {"minutes": 0}}
    return {
        "default_profile": "auto",
        "auto_router": {"rules": [rule], "default_rule_profile": "default"},
        "providers": [provider(name, url, api_key_env="BENCH_KEY") for name in NAMES],
        "profiles": [{"name": "default", **chain}, {"name": "other", **chain}],
    }


def _cost_s(proxy: Proxy) -> float:
    pid, body = proxy.command.process.pid, load.request_body(stream=False)
    before = cpu_s(pid)
    uvloop.run(load.run(proxy.port, body, connections=CONNECTIONS, requests=REQUESTS, each_a_session=True))
    return (cpu_s(pid) - before) / REQUESTS
