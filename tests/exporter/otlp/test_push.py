"""A real exporter pushes to a receiver that refuses, hangs or vanishes: no request is lost, none is another one."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.exporter.otlp_receiver import METRICS, TRACES, Answer, Receiver, partial, receiving
from support.exporter.process import Exporter, append, running_exporter
from support.exporter.requests import Requests
from support.processes import eventually

Samples = dict[tuple[str, tuple[str, ...]], float]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def events(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def requests() -> Requests:
    return Requests(round(time.time()) - 3000.0)


def pushing(
    events: Path, receiver: Receiver, *more: str, interval: str = "200ms"
) -> AbstractContextManager[Exporter]:
    options = ("--otlp.endpoint", receiver.url, "--otlp.interval", interval, *more)
    return running_exporter(events, state=events.with_name("state.db"), options=options)


def sent(exporter: Exporter, signal_name: str = "traces") -> float:
    return exporter.scrape()["cr_exporter_otlp_sent_total", (signal_name,)]


def unsent(exporter: Exporter) -> float:
    return exporter.scrape()["cr_exporter_otlp_unsent_requests", ("traces",)]


def failed(exporter: Exporter, reason: str, signal_name: str = "traces") -> float:
    return exporter.scrape()["cr_exporter_otlp_failed_total", (reason, signal_name)]


def lost(exporter: Exporter, reason: str, signal_name: str = "traces") -> float:
    return exporter.scrape()["cr_exporter_otlp_lost_total", (reason, signal_name)]


def ids(receiver: Receiver) -> list[tuple[bytes, bytes]]:
    return [(span.trace_id, span.span_id) for span in receiver.spans(accepted=False)]


def test_each_request_is_sent_once_and_counted(events: Path, receiver: Receiver, requests: Requests) -> None:
    append(events, *(requests.answered(f"r{number}") for number in range(3)))
    with pushing(events, receiver) as exporter:
        eventually(lambda: len(receiver.requests()) == 3)
        append(events, requests.answered("r3"))
        eventually(lambda: len(receiver.requests()) == 4)
        eventually(lambda: sent(exporter) == 8)
        assert unsent(exporter) == 0
    with pushing(events, receiver) as exporter:
        append(events, requests.answered("r4"))
        eventually(lambda: len(receiver.requests()) == 5)
        eventually(lambda: sent(exporter) == 10)
    assert receiver.requests() == ["r0", "r1", "r2", "r3", "r4"]
    assert len(set(ids(receiver))) == 10


def test_metrics_are_pushed_again_and_again(events: Path, receiver: Receiver, requests: Requests) -> None:
    def requests_total() -> int:
        metric = receiver.metrics().get("coderouter_requests_total")
        return metric.sum.data_points[0].as_int if metric else -1

    with pushing(events, receiver) as exporter:
        eventually(lambda: requests_total() == 0)
        append(events, requests.answered("r0"))
        eventually(lambda: requests_total() == 1)
        eventually(lambda: sent(exporter, "metrics") > 0)


def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    receiver.answer(TRACES, Answer(429, {"Retry-After": "3"}), Answer(503), Answer())
    append(events, requests.answered("r0"))
    with pushing(events, receiver) as exporter:
        eventually(lambda: receiver.requests() == ["r0"])
        eventually(lambda: failed(exporter, "busy") == 2)
        assert lost(exporter, "refused") == 0
    first, second, third = receiver.received[TRACES]
    assert second.at - first.at >= 3
    assert first.request == second.request == third.request


def test_a_refused_export_is_given_up_and_logged_once(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    receiver.answer(TRACES, Answer(400, {"content-type": "text/plain"}, b"no such tenant\n"))
    with pushing(events, receiver) as exporter:
        for number in range(3):
            append(events, requests.answered(f"r{number}"))
            eventually(lambda: lost(exporter, "refused") == 2 * (number + 1))  # noqa: B023
        assert exporter.command.stderr.count("status 400: no such tenant") == 1
        receiver.answer(TRACES, Answer())
        append(events, requests.answered("r3"))
        exporter.command.wait_for_output("traces to .* are accepted again")
        assert receiver.requests() == ["r3"]


def test_what_the_receiver_rejects_is_counted_and_not_sent_again(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    receiver.answer(TRACES, partial(TRACES, 1, "span is too old"), Answer())
    receiver.answer(METRICS, partial(METRICS, 2, "out of order"))
    append(events, requests.answered("r0"))
    with pushing(events, receiver) as exporter:
        eventually(lambda: lost(exporter, "rejected") == 1)
        assert failed(exporter, "partial") == 1
        assert sent(exporter) == 1
        append(events, requests.answered("r1"))
        eventually(lambda: receiver.requests() == ["r0", "r1"])
        eventually(lambda: lost(exporter, "rejected", "metrics") >= 2)
        assert "span is too old" in exporter.command.stderr


def test_an_export_that_is_too_large_is_sent_in_parts(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    receiver.answer(TRACES, Answer(413), Answer(413), Answer())
    append(events, *(requests.answered(f"r{number}") for number in range(8)))
    with pushing(events, receiver) as exporter:
        eventually(lambda: receiver.requests() == [f"r{number}" for number in range(8)])
        assert lost(exporter, "refused") == 0
    sizes = [len(export.spans) for export in receiver.received[TRACES]]
    assert sizes[:3] == [16, 8, 4]


def test_a_receiver_that_hangs_delays_neither_counts_nor_the_end(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    receiver.answer(TRACES, Answer(hangs=True))
    receiver.answer(METRICS, Answer(hangs=True))
    append(events, requests.answered("r0"))
    with pushing(events, receiver) as exporter:
        eventually(lambda: receiver.received[TRACES] and receiver.received[METRICS])
        append(events, requests.answered("r1"))
        assert exporter.tries("ollama") == 2
        exporter.command.process.send_signal(signal.SIGTERM)
        assert exporter.command.process.wait(5) == 0


def test_a_killed_exporter_sends_the_rest_and_resends_the_same_spans(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    expected = [f"r{number}" for number in range(40)]
    receiver.answer(TRACES, Answer(), Answer(hangs=True))
    append(events, *map(requests.answered, expected[:10]))
    with pushing(events, receiver) as exporter:
        eventually(lambda: len(receiver.requests()) == 10)
        append(events, *map(requests.answered, expected[10:20]))
        eventually(lambda: len(receiver.received[TRACES]) == 2)  # received, but never acknowledged
        append(events, *map(requests.answered, expected[20:30]))
        eventually(lambda: exporter.tries("ollama") == 30)
        os.kill(exporter.command.process.pid, signal.SIGKILL)
        exporter.command.process.wait()
    before = set(ids(receiver))
    receiver.answer(TRACES, Answer())
    append(events, *map(requests.answered, expected[30:]))
    with pushing(events, receiver) as exporter:
        eventually(lambda: set(receiver.requests()) == set(expected))
        eventually(lambda: unsent(exporter) == 0)
    assert before < set(ids(receiver))
    assert len(set(ids(receiver))) == 2 * len(expected)


def test_requests_that_are_not_kept_until_they_are_sent_are_counted_as_lost(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    receiver.answer(TRACES, Answer(503, {"Retry-After": "2"}), Answer())
    with pushing(events, receiver, "--requests-max", "5") as exporter:
        append(events, requests.answered("r0"))
        eventually(lambda: receiver.received[TRACES])
        append(events, *(requests.answered(f"r{number}") for number in range(1, 12)))
        eventually(lambda: lost(exporter, "not_kept") == 7)
        eventually(lambda: len(receiver.requests()) == 5)
        eventually(lambda: unsent(exporter) == 0)
    assert receiver.requests() == [f"r{number}" for number in range(7, 12)]


def test_headers_and_the_resource_are_those_of_the_options(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    append(events, requests.answered("r0"))
    options = ("--otlp.headers", "Authorization=Bearer%20secret,X-Tenant=a", "--otlp.resource", "team=x")
    with pushing(events, receiver, *options) as exporter:
        eventually(lambda: receiver.requests() == ["r0"])
        assert "secret" not in exporter.command.stderr
    [export] = receiver.received[TRACES]
    assert export.headers["Authorization"] == "Bearer secret"
    assert export.headers["X-Tenant"] == "a"
    assert export.described["team"] == "x"
    assert export.described["service.name"] == "coderouter"
    assert export.described["service.instance.id"].endswith(f":{exporter.port}")


def test_without_a_receiver_for_traces_nothing_is_collected(
    events: Path, receiver: Receiver, requests: Requests
) -> None:
    append(events, requests.answered("r0"))
    with pushing(events, receiver, "--otlp.traces-endpoint", "off") as exporter:
        eventually(lambda: sent(exporter, "metrics") > 0)
        assert ("cr_exporter_otlp_unsent_requests", ("traces",)) not in exporter.scrape()
    with pushing(events, receiver) as exporter:
        append(events, requests.answered("r1"))
        eventually(lambda: receiver.requests() == ["r1"])
