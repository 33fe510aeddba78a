"""The cost of starting a command."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from bench.figures import Figure, at_most, cpu_s
from support.processes import clean_environment
from support.proxy import process
from support.proxy.process import CODEROUTER, serving

RUNS = 11


def figures() -> Iterator[Figure]:
    yield at_most("CPU of `coderouter --help`", [_help_cpu_ms() for _ in range(RUNS)], 200, "ms")
    yield at_most("CPU until `coderouter serve` is ready", [_ready_cpu_ms() for _ in range(RUNS)], 400, "ms")


def _help_cpu_ms() -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([CODEROUTER, "--help"], env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def _ready_cpu_ms() -> float:
    config = process.config([process.provider("local", "http://127.0.0.1:9")])
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), config) as served:
        return cpu_s(served.command.process.pid) * 1e3
