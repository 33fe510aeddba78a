"""What OpenMetrics has beside the counts: exemplars of histograms, and when series began."""

import json

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from coderouter_exporter.families import proxy
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from exporter.fold.events import folded
from support.exporter.process import line


def finished(**fields: object) -> bytes:
    return line("request-finished", **fields)


def openmetrics(state: State) -> str:
    return render(View(state=state, now_ts=0.0), Format.OPENMETRICS).decode()


def exemplars(state: State, name: str) -> dict[str, tuple[str, float, float]]:
    """Return request, value and time of each exemplar of the family, by the bound of its bucket."""
    found = {}
    for family in text_string_to_metric_families(openmetrics(state)):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            if sample.name == f"{name}_bucket" and sample.exemplar:
                exemplar = sample.exemplar
                assert exemplar.timestamp is not None
                request_id = exemplar.labels["request_id"]
                found[sample.labels["le"]] = (request_id, exemplar.value, float(exemplar.timestamp))
    return found


def test_a_bucket_shows_the_newest_request_that_fell_into_it() -> None:
    def request(name: str, duration_s: float, second: int, outcome: str = "ok") -> bytes:
        ts = f"1970-01-01T00:00:{second:02}.000Z"
        return finished(ts=ts, request_id=name, ingress="openai", outcome=outcome, duration_s=duration_s)

    state = folded(
        request("a", 0.5, 1, "exhausted"),
        request("b", 0.6, 2),
        request("c", 0.5, 3, "exhausted"),
        request("d", 0.61, 4),
        request("e", 5.0, 5),
    )
    of_requests = proxy.REQUEST_DURATION.name
    assert exemplars(state, of_requests) == {"0.64": ("d", 0.61, 4.0), "5.12": ("e", 5.0, 5.0)}
    folded(request("f", 0.33, 6), state=state)
    assert exemplars(State.decode(state.encode()), of_requests)["0.64"] == ("f", 0.33, 6.0)
    assert "# {" not in render(View(state=state, now_ts=0.0), Format.TEXT).decode()


def test_a_request_id_too_long_for_openmetrics_is_not_an_exemplar() -> None:
    state = folded(finished(request_id="r" * 500, ingress="openai", duration_s=1.0))
    assert exemplars(state, proxy.REQUEST_DURATION.name) == {}


def test_histograms_have_their_start_time() -> None:
    state = folded(finished(ingress="openai", duration_s=1.0))
    labels = 'ingress="openai",profile=""'
    assert f"coderouter_client_request_duration_seconds_created{{{labels}}} 1.0\n" in openmetrics(state)


def test_no_event_makes_the_exposition_invalid() -> None:
    odd = {"error": '\n"\\', "provider": '"}\n', "outcome": "\\", "msg": "request-finished"}
    state = folded(json.dumps(odd).encode() + b"\n")
    list(text_string_to_metric_families(openmetrics(state)))  # type: ignore[no-untyped-call]
