"""A client that sends no more after its request is answered; one that has left is found out."""

import pytest

from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import HANG, Pause, Provider
from support.raw_http import connected, get, post

HELLO = b'{"messages": [{"role": "user", "content": "hi"}]}'
STREAMED = HELLO[:-1] + b', "stream": true}'


def test_a_client_that_ends_its_side_is_answered(port: int) -> None:
    with connected(port) as connection:
        connection.send(get("/"))
        connection.end()
        assert connection.rest().startswith(b"HTTP/1.1 200 OK\r\n")


def test_all_its_pipelined_requests_are_answered(port: int) -> None:
    with connected(port) as connection:
        connection.send(get("/") * 3)
        connection.end()
        assert connection.rest().count(b"HTTP/1.1 200 OK\r\n") == 3


@pytest.mark.parametrize("body", [HELLO, STREAMED], ids=["whole", "stream"])
def test_it_gets_an_answer_that_takes_long(body: bytes, served: Proxy, a: Provider) -> None:
    pause, later = Pause(), Pause()
    answer = says.streamed("Hello", later, ".") if body is STREAMED else (later, *says.answer())
    a.plays((pause, *answer))
    with connected(served.port) as connection:
        connection.send(post(body))
        connection.end()
        assert connection.sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n", "is it still there?"
        pause.go()
        later.go()
        answered = connection.answer()
        assert (answered.status, b"Hello" in answered.body) == (200, True)
        assert connection.rest() == b""


@pytest.mark.parametrize("body", [HELLO, STREAMED], ids=["whole", "stream"])
def test_one_that_has_left_cancels_the_upstream(body: bytes, served: Proxy, a: Provider) -> None:
    a.plays((HANG,))
    with connected(served.port) as connection:
        connection.send(post(body))
        request = a.request
    assert request.gone.wait(30)


def test_half_a_request_is_not_waited_for(served: Proxy) -> None:
    with connected(served.port) as connection:
        connection.send(post(HELLO[:9], length=len(HELLO)))
        connection.end()
        assert connection.rest() == b""
