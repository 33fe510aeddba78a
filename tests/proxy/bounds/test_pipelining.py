"""Requests that a client sends without waiting for answers: few wait, and none takes memory."""

import itertools

from load import floods
from load.memory import rss_kb
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import Pause, Provider
from support.raw_http import connected, get, post

HELLO = b'{"messages": [{"role": "user", "content": "hi"}]}'


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    with connected(port) as connection:
        connection.send(get("/") + get("/nothing") + get("/") + get("/nothing", "Connection: close"))
        assert [connection.answer().status for _ in range(4)] == [200, 404, 200, 404]
        assert connection.rest() == b""


def test_more_than_sixteen_waiting_requests_are_refused_after_their_answers(
    served: Proxy, a: Provider
) -> None:
    pause = Pause()
    a.plays((pause, *says.answer()))
    with connected(served.port) as connection:
        connection.send(post(HELLO) + get("/") * 20)
        pause.go()
        answers = [connection.answer() for _ in range(17)]
        assert [answer.status for answer in answers] == [200] * 16 + [503]
        assert answers[-1].headers["retry-after"] == "1"
        assert connection.rest() == b""


def test_a_client_that_leaves_cancels_the_request_in_progress_and_not_only_the_newest(
    served: Proxy, a: Provider
) -> None:
    pause = Pause()
    a.plays((pause, *says.answer()))
    with connected(served.port) as connection:
        connection.send(post(HELLO) + get("/"))
        request = a.request
    assert request.gone.wait(30)


def test_a_flood_of_requests_that_nobody_reads_takes_no_memory(port: int, served: Proxy) -> None:
    pid = served.command.process.pid
    before = rss_kb(pid)
    with connected(served.port) as connection:
        connection.sock.settimeout(1)
        connection.send_what_is_accepted(itertools.repeat(get("/") * 1000, 100))
    assert rss_kb(pid) - before < floods.GROWTH_KB_MAX
