"""Requests at and in line for providers with a limit are summed over live processes, and waits are counted."""

import pytest

from exporter.fold.events import Samples, folded, heartbeat, shown, shutdown, startup
from support.exporter.process import line

CATALOG = [
    {"name": name, "kind": "openai_compat", "model": "m", "paid": False, "base_url": "http://h"}
    for name in ("gpu", "npu")
]


def gauges(samples: Samples) -> dict[str, tuple[float, float]]:
    """Return requests in flight and waiting by provider."""
    return {
        labels[0]: (value, samples["coderouter_provider_waiting_requests", labels])
        for (name, labels), value in samples.items()
        if name == "coderouter_provider_in_flight_requests"
    }


def test_the_queues_of_live_processes_are_summed() -> None:
    state = folded(
        startup(1, writer="w1", catalog=CATALOG),
        heartbeat(2, "w1", 3, provider_in_flight={"gpu": 2, "npu": 1}, provider_waiting={"gpu": 5, "npu": 0}),
        heartbeat(3, "w2", 3, provider_in_flight={"gpu": 1}, provider_waiting={"gpu": 2}),
    )
    assert gauges(shown(state, 4.0)) == {"gpu": (3, 7), "npu": (1, 0)}
    folded(shutdown(5, writer="w1"), state=state)
    assert gauges(shown(state, 6.0)) == {"gpu": (1, 2)}
    assert gauges(shown(state, 60.0)) == {}


def test_only_configured_providers_are_shown() -> None:
    named = {f"p{number}": 1 for number in range(500)}
    beat = heartbeat(2, "w1", 3, provider_in_flight={"gpu": 1, **named}, provider_waiting={})
    assert gauges(shown(folded(startup(1, catalog=CATALOG), beat), 4.0)) == {"gpu": (1, 0)}


@pytest.mark.parametrize(
    "reported",
    [None, 5, "gpu", ["gpu"], {"gpu": "2"}, {"gpu": None}, {"gpu": -1}, {"gpu": 1.5}, {"gpu": 1 << 70}],
)
def test_what_is_no_number_of_requests_breaks_nothing(reported: object) -> None:
    beat = heartbeat(2, "w1", 3, provider_in_flight=reported, provider_waiting={"gpu": 1})
    samples = shown(folded(startup(1, catalog=CATALOG), beat), 4.0)
    assert samples["coderouter_in_flight_requests", ()] == 3
    assert all(in_flight >= 0 for in_flight, _ in gauges(samples).values())


def test_waits_are_counted_by_provider_and_result() -> None:
    waits = [("place", 0.2), ("place", 3.0), ("timeout", 60.0), ("made up", 1.0)]
    lines = [line("provider-queued", provider="gpu", waited_s=s, result=result) for result, s in waits]
    samples = shown(folded(*lines))
    name = "coderouter_provider_queue_wait_seconds"
    assert samples[f"{name}_count", ("gpu", "place")] == 2
    assert samples[f"{name}_sum", ("gpu", "place")] == 3.2
    assert samples[f"{name}_sum", ("gpu", "timeout")] == 60
    assert samples[f"{name}_count", ("gpu", "other")] == 1
