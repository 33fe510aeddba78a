"""Compare what the exporter counts in the events of a run with what the provider counted itself."""

import subprocess
from pathlib import Path

from real_agents.providers.conversation import Wire
from real_agents.providers.model import Model
from support.exporter.process import CR_EXPORTER, samples
from support.processes import clean_environment

CLIENT_REQUESTS = "coderouter_client_requests_total"


def differences(events: Path, provider: str, client: Wire, model: Model) -> list[str]:
    """Return where they disagree, and how many requests of the client did not end as `ok`."""
    counted = _folded(events)
    named = f"{provider}-model"
    expected = {
        (CLIENT_REQUESTS, (client.ingress, "ok", "default")): model.answers,
        ("coderouter_provider_outcomes_total", ("ok", provider)): model.answers,
        ("coderouter_tokens_total", ("input", named, provider)): model.usage.input,
        ("coderouter_tokens_total", ("output", named, provider)): model.usage.output,
        ("coderouter_tokens_total", ("cache_read", named, provider)): model.usage.cache_read,
        ("coderouter_usage_missing_total", (provider,)): 0,
        ("cr_exporter_exact", ()): 1,
    }
    found = [
        f"the exporter counts {counted.get(key, 0):g} as {key}, the provider {number}"
        for key, number in expected.items()
        if counted.get(key, 0) != number
    ]
    found += [
        f"{number:g} requests of the agent ended as {labels[1]}"
        for (family, labels), number in counted.items()
        if family == CLIENT_REQUESTS and labels[1] != "ok" and number
    ]
    return found


def _folded(events: Path) -> dict[tuple[str, tuple[str, ...]], float]:
    command = [str(CR_EXPORTER), "fold", str(events)]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
    return samples(done.stdout)
