"""SIGTERM: requests received by then are answered or end with the error of their wire, each with its event."""

import http.client
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from support.events import Event, read
from support.processes import eventually, listens
from support.proxy import client, process
from support.proxy import openai_answers as says
from support.proxy.client_view import AnthropicClient, Client, OpenAIClient
from support.proxy.process import Proxy, serving, workers_of
from support.proxy.upstream import HANG, Drip, Pause, Provider, head, stream
from support.raw_http import connected, get, post

LONG_S = "600"  # longer than any test: only a second signal ends it
SHORT_S = "0.3"
STREAMS = 200
WORDS = "the proxy is shutting down; ask again"
WIRES: list[Client] = [OpenAIClient(), AnthropicClient()]


def asking(a: Provider) -> dict[str, object]:
    return process.config([process.provider("a", a.base_url)])


def stops_listening(served: Proxy) -> None:
    eventually(lambda: not listens(served.port))


def ends_well(served: Proxy) -> None:
    assert served.command.wait() == 0
    assert "Traceback" not in served.command.stderr


def finished(served: Proxy) -> list[Event]:
    """Return the end of each request, once each; the last line of each writer has to be its shutdown."""
    events = read(served.events_path)
    last = {event["writer"]: event["msg"] for event in events}
    assert set(last.values()) == {"coderouter-shutdown"}
    ends = [event for event in events if event["msg"] == "request-finished"]
    assert set(Counter(event["request_id"] for event in ends).values()) <= {1}
    return ends


@pytest.mark.parametrize("workers", ["1", "2"])
def test_of_two_hundred_streams_none_is_lost(workers: str, tmp_path: Path, a: Provider) -> None:
    pause = Pause()
    ends_in_time = says.streamed("Hello", pause, " there.")
    never_ends = stream(says.ROLE, says.text("Hello"), HANG)
    a.plays(*[ends_in_time, never_ends, never_ends, ends_in_time] * (STREAMS // 4))
    with serving(tmp_path, asking(a), "--grace-s", LONG_S, "--workers", workers) as served:
        open_streams: list[tuple[Client, client.Exchange, bytes]] = []
        for number in range(STREAMS):
            wire = WIRES[number % 2]
            exchange = wire.stream(served, {})
            open_streams.append((wire, exchange, exchange.read_past(b"Hello")))

        served.command.signal(signal.SIGTERM)
        stops_listening(served)
        pause.go()
        in_time = [stream for number, stream in enumerate(open_streams) if number % 4 in (0, 3)]
        for wire, exchange, begun in in_time:
            raw = begun + exchange.rest().body
            assert wire.text(raw) == "Hello there."
            assert wire.is_complete(raw)

        served.command.signal(signal.SIGTERM)
        for wire, exchange, begun in open_streams:
            if (wire, exchange, begun) not in in_time:
                assert wire.error(begun + exchange.rest().body) == WORDS
        ends_well(served)

    assert Counter((e["ingress"], e["outcome"]) for e in finished(served)) == {
        (wire.name, outcome): STREAMS // 4 for wire in WIRES for outcome in ("ok", "midstream")
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_a_second_signal_the_grace_period_ends_by_itself(
    workers: str, tmp_path: Path, a: Provider
) -> None:
    a.plays(always=stream(says.ROLE, says.text("Hello"), HANG))
    with serving(tmp_path, asking(a), "--workers", workers, env={"CODEROUTER_GRACE_S": SHORT_S}) as served:
        exchanges = [wire.stream(served, {}) for wire in WIRES]
        begun = [exchange.read_past(b"Hello") for exchange in exchanges]
        served.command.signal(signal.SIGTERM)
        for wire, exchange, before in zip(WIRES, exchanges, begun, strict=True):
            assert wire.error(before + exchange.rest().body) == WORDS
        ends_well(served)
    ends = [(e["outcome"], e["status"], e["error_type"]) for e in finished(served)]
    assert ends == [("midstream", 200, "cancelled")] * 2


def test_requests_that_still_wait_get_the_error_of_their_wire(tmp_path: Path, a: Provider) -> None:
    a.plays(always=(head(headers={"Content-Length": "10"}), HANG))
    with serving(tmp_path, asking(a), "--grace-s", SHORT_S) as served:
        whole, message = served.chat(), served.messages()
        streams = [wire.stream(served, {}) for wire in WIRES]
        eventually(lambda: len(a.requests) == 4)
        served.command.signal(signal.SIGTERM)

        answers = [exchange.rest() for exchange in (whole, message, *streams)]
        ends_well(served)

    for answer in answers:
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["error"]["message"] == WORDS
    assert [answer.json["error"]["type"] for answer in answers] == ["server_error", "api_error"] * 2
    assert answers[1].json["type"] == "error"
    assert [(e["outcome"], e["status"]) for e in finished(served)] == [("exhausted", 503)] * 4
    tries = read(served.events_path, "provider-failed")
    assert {(e["error_type"], e["error"]) for e in tries} == {("cancelled", "the proxy is shutting down")}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/messages/count_tokens"])
def test_a_request_that_is_half_sent_is_answered(path: str, tmp_path: Path, a: Provider) -> None:
    with serving(tmp_path, asking(a), "--grace-s", SHORT_S) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b'{"messages"')
        eventually(lambda: served.get("/healthz").status == 200)  # by now the proxy has read what came before
        served.command.signal(signal.SIGTERM)
        response = connection.getresponse()
        assert response.status == 503
        assert WORDS.encode() in response.read()
        ends_well(served)
        connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_half_a_request_is_not_waited_for(workers: str, tmp_path: Path, a: Provider) -> None:
    with (
        serving(tmp_path, asking(a), "--grace-s", LONG_S, "--workers", workers) as served,
        connected(served.port) as body,
        connected(served.port) as head,
    ):
        body.send(post(b"", "Expect: 100-continue", length=100))
        assert body.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n", "it is being read"
        body.send(b'{"messages"')
        head.send(get("/"))
        assert head.answer().status == 200
        head.send(b"GET / HTTP/1.1\r\nHost: ")
        served.command.signal(signal.SIGTERM)
        assert (body.answer().status, head.rest()) == (503, b"")
        ends_well(served)


def test_a_client_that_does_not_read_does_not_keep_the_process(tmp_path: Path, a: Provider) -> None:
    a.plays(stream(says.ROLE, Drip(says.text("Hello" * 10_000), every_s=0)))
    with serving(tmp_path, asking(a), "--grace-s", SHORT_S) as served:
        exchange = served.chat(stream=True)
        exchange.read_past(b"Hello")
        served.command.signal(signal.SIGTERM)
        ends_well(served)
        exchange.disconnect()
    [end] = finished(served)
    assert end["outcome"] == "midstream"


def test_ctrl_c_in_a_terminal_reaches_workers_twice_and_they_still_get_their_grace(
    tmp_path: Path, a: Provider
) -> None:
    pauses = [Pause() for _ in range(50)]
    a.plays(says.streamed("Hello", *(step for pause in pauses for step in (pause, "."))))
    with serving(tmp_path, asking(a), "--grace-s", LONG_S, "--workers", "2") as served:
        exchange = served.chat(stream=True)
        exchange.read_past(b"Hello")
        workers = workers_of(served)
        served.command.signal(signal.SIGINT)
        stops_listening(served)
        for pid in workers:
            with suppress(ProcessLookupError):  # the one without a request
                os.kill(pid, signal.SIGINT)
        for pause in pauses[:-1]:  # long enough for the signal to be handled
            pause.go()
            exchange.read_past(says.text("."))
        pauses[-1].go()
        assert exchange.rest().body.endswith(says.DONE)
        ends_well(served)
    assert [e["outcome"] for e in finished(served)] == ["ok"]
    assert {e["reason"] for e in read(served.events_path, "coderouter-shutdown")} == {"SIGINT"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_during_startup_ends_it_cleanly(workers: str, tmp_path: Path, a: Provider) -> None:
    with serving(tmp_path, asking(a), "--workers", workers) as served:  # it listens, and is not ready yet
        served.command.signal(signal.SIGTERM)
        ends_well(served)
    assert finished(served) == []
