"""`make load`: print each figure with its target, and fail if one is missed.

A program that is not installed is reported, and its client left out.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, at_least, at_most
from load import bodies, clients, floods, streams
from load.memory import forget_peak, peak_rss_kb, rss_kb
from support.processes import clean_environment, free_port, running
from support.proxy import process
from support.proxy.open_files import limited_to
from support.proxy.process import Proxy, serving

STREAMS = 2000
FILES_SOFT, FILES_HARD = 1024, 20_000
BODIES, BODY_BYTES = 20, 30_000_000


def figures(proxy: Proxy) -> Iterator[Figure]:
    pid = proxy.command.process.pid
    for program, send in clients.CLIENTS.items():
        if clients.is_missing(program):
            print(f"{program} is not installed; its client is left out")
            continue
        answers = send(f"{proxy.url}/chat/completions").count(clients.WORDS)
        yield at_least(f"answers to {program}, which offers HTTP/2", answers, 2, "of 2")

    assert b"[DONE]" in proxy.chat(stream=True, profile="slow").rest().body
    before = rss_kb(pid)
    forget_peak(pid)
    whole = streams.whole_answers(proxy.port, STREAMS)
    yield at_least(f"whole streams of {STREAMS} at once", whole, STREAMS, "")
    yield at_most("memory of each", (peak_rss_kb(pid) - before) / STREAMS, 30, "KB")

    for name, flood in (
        ("pipelined requests", floods.pipeline),
        ("heads without an end", floods.endless_heads),
    ):
        yield at_most(f"growth under {name}", _growth_mb(pid, flood, proxy.port), 20, "MB")

    forget_peak(pid)
    outcomes = bodies.outcomes(bodies.answers(proxy.port, bodies.of_size(BODY_BYTES), BODIES))
    understood = outcomes["answered"] + outcomes["refused"]
    yield at_least(
        f"{BODIES} bodies of 30 MB: {outcomes['answered']} answered, {outcomes['refused']} to try again",
        understood,
        BODIES,
        "",
    )
    yield at_most("memory at its peak", peak_rss_kb(pid) / 1024, 1000, "MB")


def _growth_mb(pid: int, flood: Callable[[int], None], port: int) -> float:
    before = rss_kb(pid)
    forget_peak(pid)
    flood(port)
    return (peak_rss_kb(pid) - before) / 1024


@contextmanager
def started() -> Iterator[Proxy]:
    """Run a proxy in front of a slow upstream and the echo, with few files at first."""
    upstream = free_port()
    config = process.config(
        [process.provider("slow", f"http://127.0.0.1:{upstream}"), {"name": "echo", "kind": "echo"}],
        {"default": ["echo"], "slow": ["slow"]},
    )
    env = clean_environment(PYTHONPATH=os.environ["PYTHONPATH"])
    with (
        tempfile.TemporaryDirectory() as folder,
        running(sys.executable, "-m", "load.upstream", str(upstream), env=env) as command,
    ):
        command.wait_for_port(upstream)
        with serving(Path(folder), config, program=limited_to(FILES_SOFT, FILES_HARD)) as proxy:
            yield proxy


def main() -> int:
    missed = 0
    print(f"{'figure':<64} {'measured':>12}   target")
    with started() as proxy:
        for figure in figures(proxy):
            missed += not figure.good
            verdict = "" if figure.good else "   <- missed"
            print(f"{figure.name:<64} {figure.measured:>12}   {figure.target}{verdict}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
