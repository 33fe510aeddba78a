"""The metric families about what is in requests and answers: who asks, how much is read and written, which tools."""

from itertools import repeat
from typing import get_args

from coderouter_events.closed_sets import Agent, RequestClass
from coderouter_events.events import RequestFinished
from coderouter_exporter.families.kinds import (
    MISSING,
    Counter,
    Derived,
    Feed,
    GreaterThan,
    Histogram,
    Mapped,
    Numbers,
    Providers,
    Sum,
    families_of,
)
from coderouter_exporter.families.labels import PROVIDER

# OpenTelemetry's buckets for token usage, up to the longest contexts.
TOKEN_BUCKETS = tuple(float(4**power) for power in range(11))
AGENT = Mapped("agent", {value: value for value in get_args(Agent)}, default="other")
REQUEST_CLASS = Mapped(
    "request_class", {"": "unreported", **{value: value for value in get_args(RequestClass)}}, default="other"
)


def _prompt_tokens(inputs: Numbers, cache_reads: Numbers, cache_creations: Numbers) -> Numbers:
    """Return the tokens of each prompt, wherever they were read from."""
    if not cache_reads and not cache_creations:
        return inputs
    columns = zip(inputs, cache_reads or repeat(0), cache_creations or repeat(0), strict=False)
    return [
        tokens if tokens == MISSING else tokens + max(read, 0) + max(created, 0)
        for tokens, read, created in columns
    ]


PROMPT_TOKENS = Derived(
    (("input_tokens", 1),),
    _prompt_tokens,
    optional=(("cache_read_tokens", 1), ("cache_creation_tokens", 1)),
)

AGENT_REQUESTS = Counter(
    name="coderouter_agent_requests_total",
    help="Client requests by agent, from its User-Agent, and by what they are for, as the agent reports it: "
    "`unreported` if it does not, `other` for one that this version does not know.",
    labels=("agent", "request_class"),
    feeds=(Feed(RequestFinished, (AGENT, REQUEST_CLASS)),),
)
TOOL_ANSWERS = Counter(
    name="coderouter_tool_answers_total",
    help="Complete answers to requests with tools, by whether the model called any: called or silent.",
    labels=("provider", "result"),
    feeds=(
        Feed(
            RequestFinished,
            (PROVIDER, "called"),
            where={"outcome": ("ok",), "had_tools": (True,), "tool_calls": GreaterThan(0)},
        ),
        Feed(
            RequestFinished,
            (PROVIDER, "silent"),
            where={"outcome": ("ok",), "had_tools": (True,), "tool_calls": (0,)},
        ),
    ),
    preset=(Providers(), ("called", "silent")),
)
INPUT_TOKENS = Histogram(
    name="coderouter_request_input_tokens",
    help="Prompt tokens per request, those read from or written to a cache included, as reported by the provider.",
    labels=("provider",),
    feeds=(Feed(RequestFinished, (PROVIDER,), Sum(PROMPT_TOKENS)),),
    buckets=TOKEN_BUCKETS,
    scale=1,
)
OUTPUT_TOKENS = Histogram(
    name="coderouter_request_output_tokens",
    help="Completion tokens per request, as reported by the provider.",
    labels=("provider",),
    feeds=(Feed(RequestFinished, (PROVIDER,), Sum("output_tokens")),),
    buckets=TOKEN_BUCKETS,
    scale=1,
)

FAMILIES = families_of(vars())
