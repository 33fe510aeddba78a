"""Clients that take too long are cut off; those that are slow but sure are not."""

import time
from pathlib import Path

import pytest

from proxy.bounds.conftest import SHORT_LIMITS, TESTS
from support.events import read
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import Proxy
from support.proxy.short_limits import HALF_S
from support.proxy.upstream import Drip, Pause, Provider, stream
from support.raw_http import connected, get, post

HELLO = b'{"messages": [{"role": "user", "content": "hi"}]}'


@pytest.mark.parametrize(
    "half",
    [
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        get("/") + b"GET / HT",
        post(HELLO[:9], length=len(HELLO)),
        post(HELLO, length=len(HELLO) + 1),
    ],
)
def test_half_a_request_is_refused_after_a_while(half: bytes, hasty: Proxy) -> None:
    with connected(hasty.port) as connection:
        connection.send(half)
        answers = [
            connection.answer() for _ in range(half.count(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") + 1)
        ]
        assert answers[-1].status == 408
        assert connection.rest() == b""


def test_dripping_does_not_keep_half_a_request_alive(hasty: Proxy) -> None:
    with connected(hasty.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        connection.sock.settimeout(0.05)
        answered = b""
        for number in range(1000):
            connection.send(b"X-%d: x\r\n" % number)
            try:
                answered = connection.sock.recv(100)
                break
            except TimeoutError:
                continue
        assert answered.startswith(b"HTTP/1.1 408")


def test_a_body_that_arrives_slowly_but_steadily_is_read(hasty: Proxy, a: Provider) -> None:
    a.plays(says.answer())
    body = b'{"messages": [{"role": "user", "content": "%b"}]}' % (b"x" * 100_000)
    with connected(hasty.port) as connection:
        connection.send(post(b"", length=len(body)))
        started = time.monotonic()
        for at in range(0, len(body), 10_000):
            connection.send(body[at : at + 10_000])
            time.sleep(HALF_S / 3)
        assert time.monotonic() - started > 2 * HALF_S
        assert connection.answer().status == 200


def test_a_connection_without_a_request_is_closed_without_a_word(hasty: Proxy) -> None:
    with connected(hasty.port) as silent, connected(hasty.port) as used:
        used.send(get("/"))
        assert used.answer().status == 200
        assert silent.rest() == used.rest() == b""


def test_a_slow_answer_is_waited_for(hasty: Proxy, a: Provider) -> None:
    pause = Pause()
    a.plays((pause, *says.answer()))
    with connected(hasty.port) as connection, connected(hasty.port) as other:
        connection.send(post(HELLO))
        assert other.rest() == b"", "by now the limits for requests and for idle connections are over"
        pause.go()
        assert connection.answer().status == 200


def test_a_client_that_does_not_read_is_disconnected(hasty: Proxy, a: Provider) -> None:
    a.plays(stream(says.ROLE, Drip(says.text("Hello" * 10_000), every_s=0)))
    ended = len(read(hasty.events_path, "request-finished"))
    with connected(hasty.port) as connection:
        connection.send(post(HELLO[:-1] + b', "stream": true}'))
        assert a.request.gone.wait(30)
    last = eventually(lambda: read(hasty.events_path, "request-finished")[ended:])[-1]
    assert last["outcome"] == "client_gone"


def test_slow_clients_are_counted_and_logged_in_one_line(tmp_path: Path) -> None:
    config = process.config([{"name": "echo", "kind": "echo"}])
    with process.serving(tmp_path, config, env={"PYTHONPATH": TESTS}, program=SHORT_LIMITS) as served:
        with connected(served.port) as first, connected(served.port) as second:
            for connection in (first, second):
                connection.send(b"GET / HT")
            assert [first.answer().status, second.answer().status] == [408, 408]
        served.command.wait_for_output(r"WARNING refused \d times: a request was not complete after 0.4 s")
        assert served.command.stop() == 0
        assert served.command.stderr.count("WARNING refused") == 1
    assert sum(event["closed_slow"] for event in read(served.events_path, "proxy-heartbeat")) == 2
