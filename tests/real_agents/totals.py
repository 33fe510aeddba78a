"""Compare what the exporter counts in the events of a run with what the provider counted itself."""

import math
from collections.abc import Mapping
from pathlib import Path

from real_agents.providers.conversation import Usage, Wire
from real_agents.providers.model import Model
from support.exporter.process import running_exporter

# Dollars for a million tokens: whole ones, because events have a cost in millionths of a dollar.
COST = {"input_per_mtok": 3, "output_per_mtok": 15, "cache_read_per_mtok": 1}
CLIENT_REQUESTS = "coderouter_client_requests_total"


Sample = tuple[str, tuple[str, ...]]


def differences(events: Path, provider: str, client: Wire, model: Model) -> list[str]:
    """Return where they disagree, and how many requests of the client did not end as `ok`."""
    with running_exporter(events, state=events.with_name("state")) as exporter:
        counted = exporter.scrape()
    asked: dict[Sample, float] = {(CLIENT_REQUESTS, (client.ingress, "ok", "default")): model.answers}
    failed = [
        f"{number:g} requests of the agent ended as {labels[1]}"
        for (family, labels), number in counted.items()
        if family == CLIENT_REQUESTS and labels[1] != "ok" and number
    ]
    return [*compare(counted, asked), *compare(counted, of_provider(provider, model)), *failed]


def of_provider(provider: str, model: Model) -> dict[Sample, float]:
    """Return what `/metrics` has to say about a provider that is configured with `COST`."""
    named = f"{provider}-model"
    return {
        ("coderouter_provider_outcomes_total", ("ok", provider)): model.answers,
        ("coderouter_tokens_total", ("input", named, provider)): model.usage.input,
        ("coderouter_tokens_total", ("output", named, provider)): model.usage.output,
        ("coderouter_tokens_total", ("cache_read", named, provider)): model.usage.cache_read,
        ("coderouter_cost_usd_total", (named, provider)): _cost(model.usage),
        ("coderouter_usage_missing_total", (provider,)): 0,
        ("cr_exporter_exact", ()): 1,
    }


def compare(counted: Mapping[Sample, float], expected: Mapping[Sample, float]) -> list[str]:
    """Return where they disagree."""
    return [
        f"the exporter counts {counted.get(key, 0):g} as {key}, the provider {number:g}"
        for key, number in expected.items()
        if not math.isclose(counted.get(key, 0), number)
    ]


def _cost(usage: Usage) -> float:
    dollars = (
        usage.input * COST["input_per_mtok"]
        + usage.output * COST["output_per_mtok"]
        + usage.cache_read * COST["cache_read_per_mtok"]
    )
    return dollars / 1_000_000
