"""The cost of starting a command."""

import subprocess
from collections.abc import Iterator
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median

from bench.figures import Figure, at_most
from support.processes import clean_environment
from support.proxy.process import CODEROUTER

RUNS = 11


def figures() -> Iterator[Figure]:
    yield at_most("CPU of `coderouter --help`", median(_cpu_ms() for _ in range(RUNS)), 200, "ms")


def _cpu_ms() -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([CODEROUTER, "--help"], env=clean_environment(), stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3
