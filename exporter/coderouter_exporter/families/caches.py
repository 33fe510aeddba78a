"""The metric families about the prompt caches of providers, with the names and labels of CodeRouter 2.x."""

from itertools import repeat

from coderouter_events.events import RequestFinished
from coderouter_exporter.families.events_2x import CacheObserved
from coderouter_exporter.families.kinds import (
    MISSING,
    NANO,
    Absent,
    Counter,
    Derived,
    Feed,
    Numbers,
    Sum,
    closed,
    families_of,
)
from coderouter_exporter.families.labels import PROVIDER

OUTCOMES = ("cache_hit", "cache_creation", "no_cache", "unknown")
ANSWERED = {"outcome": ("ok",)}


def _hits(outputs: Numbers, reads: Numbers) -> Numbers:
    return [output >= 0 < read for output, read in zip(outputs, reads, strict=True)]


def _creations(outputs: Numbers, writes: Numbers, reads: Numbers) -> Numbers:
    columns = zip(outputs, writes, reads or repeat(0))  # noqa: B905 - without an end
    return [output >= 0 < written and read <= 0 for output, written, read in columns]


def _misses(outputs: Numbers, reads: Numbers, writes: Numbers) -> Numbers:
    if not reads and not writes:
        return list(map(MISSING.__lt__, outputs))
    columns = zip(outputs, reads or repeat(0), writes or repeat(0))  # noqa: B905 - without an end
    return [output >= 0 >= read and written <= 0 for output, read, written in columns]


USAGE, READS, WRITES = ("output_tokens", 1), ("cache_read_tokens", 1), ("cache_creation_tokens", 1)
HITS = Derived((USAGE, READS), _hits)
CREATIONS = Derived((USAGE, WRITES), _creations, optional=(READS,))
MISSES = Derived((USAGE,), _misses, optional=(READS, WRITES))

CACHE_OBSERVED = Counter(
    name="coderouter_cache_observed_total",
    help="Responses by what the provider's prompt cache did: cache_hit (tokens were read from it), cache_creation "
    "(they were only written to it), no_cache, or unknown (no token usage).",
    labels=("provider", "outcome"),
    feeds=(
        Feed(RequestFinished, (PROVIDER, "cache_hit"), Sum(HITS), ANSWERED),
        Feed(RequestFinished, (PROVIDER, "cache_creation"), Sum(CREATIONS), ANSWERED),
        Feed(RequestFinished, (PROVIDER, "no_cache"), Sum(MISSES), ANSWERED),
        Feed(RequestFinished, (PROVIDER, "unknown"), Absent("output_tokens"), ANSWERED),
        Feed(CacheObserved, (PROVIDER, closed("outcome", OUTCOMES))),
    ),
)
COST_SAVINGS = Counter(
    name="coderouter_cost_savings_usd_total",
    help="US dollars saved by prompt caches: tokens read from a cache, times the difference between the prices of "
    "input and of cached input.",
    labels=("provider",),
    feeds=(
        Feed(RequestFinished, (PROVIDER,), Sum("cache_savings_usd")),
        Feed(CacheObserved, (PROVIDER,), Sum("cost_savings_usd")),
    ),
    scale=NANO,
)

FAMILIES = families_of(vars())
