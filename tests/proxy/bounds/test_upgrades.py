"""A request to switch to another protocol is answered in this one."""

import pytest

from support.proxy.process import Proxy
from support.raw_http import connected, get, post, sent

ECHO = b'{"profile": "echo", "messages": [{"role": "user", "content": "hello there"}]}'
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.mark.parametrize("piece_bytes", [1, 7, 10_000])
def test_a_body_after_an_unknown_upgrade_is_read(piece_bytes: int, served: Proxy) -> None:
    with connected(served.port) as connection:
        request = post(ECHO, *H2C)
        for start in range(0, len(request), piece_bytes):
            connection.send(request[start : start + piece_bytes])
        answer = connection.answer("POST")
        assert (answer.status, b"hello there" in answer.body) == (200, True)
        connection.send(get("/") + post(ECHO, *H2C) + get("/", *H2C) + get("/"))
        assert [connection.answer().status for _ in range(4)] == [200] * 4


def test_a_websocket_of_responses_is_refused_in_words(served: Proxy) -> None:
    answer = sent(served.port, get("/v1/responses", *WEBSOCKET))
    assert (answer.status, answer.json["error"]["code"]) == (404, "unsupported_endpoint")
    assert "WebSockets are not served" in answer.json["error"]["message"]
    assert "pip install" not in served.command.stderr


def test_pipelined_upgrades_have_the_bound_of_other_requests(port: int) -> None:
    with connected(port) as connection:
        connection.send(get("/", *H2C) * 1000)
        assert connection.rest().count(b"HTTP/1.1 ") <= 1000
