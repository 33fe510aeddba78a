"""A head, its URL and its fields have a size and a number that both servers accept, and no more."""

import json

import pytest

from support.proxy.process import HELLO, Proxy
from support.raw_http import Answer, connected, get, post_in_chunks, sent

KIB = 1024
ECHO = json.dumps({"messages": HELLO, "profile": "echo"}).encode()


def fields(number: int) -> list[str]:
    return [f"X-{n}: {n}" for n in range(number)]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/nothing", "X-Large: " + "x" * 31 * KIB), 404),
        (get("/nothing", "X-Large: " + "x" * 33 * KIB), 431),
        (get("/nothing", "X" * 33 * KIB + ": large"), 431),
        (get("/nothing", *fields(99)), 404),
        (get("/nothing", *fields(100)), 431),
        (get("/" + "x" * 8000), 404),
        (get("/" + "x" * 8 * KIB), 414),
        (get("/?" + "x" * 8 * KIB), 414),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n", 405),
        (b"GET /nothing HTTP/1.1\r\n\r\n", 400),
        (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400),
    ],
    ids=lambda value: value[:40].decode("latin-1") if isinstance(value, bytes) else str(value),
)
@pytest.mark.parametrize("piece_bytes", [100_000, 1000])
def test_a_head_over_a_limit_or_invalid_is_refused(
    request_: bytes, status: int, piece_bytes: int, port: int
) -> None:
    with connected(port) as connection:
        for start in range(0, len(request_), piece_bytes):
            connection.send(request_[start : start + piece_bytes])
        answer = connection.answer()
        assert answer.status == status
        if status != 404:
            assert answer.headers["connection"] == "close"
            assert connection.rest() == b""


@pytest.mark.parametrize(
    "endless",
    [
        [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: ", b"x" * KIB],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"x" * KIB],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X-Many: 1\r\n" * 100],
        [b"GET /", b"x" * KIB],
        [b"x" * KIB, b"x" * KIB],
    ],
    ids=["value", "name", "fields", "URL", "method"],
)
def test_a_head_without_an_end_is_refused(endless: list[bytes], port: int) -> None:
    start, rest = endless
    with connected(port) as connection:
        connection.send_until_answered([start, *[rest] * 10_000])
        assert connection.answer().status in (400, 414, 431)


def test_a_refusal_comes_after_the_answers_to_what_was_sent_before(port: int) -> None:
    with connected(port) as connection:
        connection.send(get("/") + get("/") + b"nonsense\r\n\r\n")
        assert [connection.answer().status for _ in range(3)] == [200, 200, 400]
        assert connection.rest() == b""


def test_sdks_can_read_a_refusal_of_the_proxy(served: Proxy) -> None:
    refused = sent(served.port, get("/v1/models", *fields(101)))
    assert refused.json == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "a head has more than 32768 bytes or 100 fields",
            "param": None,
            "code": "refused_requests",
        },
    }


def chat_with_trailers(served: Proxy, trailers: bytes) -> Answer:
    return sent(served.port, post_in_chunks([ECHO[:9], ECHO[9:]], trailers=trailers))


def test_a_trailer_is_no_header(served: Proxy) -> None:
    assert chat_with_trailers(served, b"X-CodeRouter-Profile: none\r\n").status == 200


@pytest.mark.parametrize("endless", [b"x" * KIB, b"X-Many: 1\r\n" * 100], ids=["name", "fields"])
def test_trailers_without_an_end_are_refused(endless: bytes, served: Proxy) -> None:
    with connected(served.port) as connection:
        connection.send(post_in_chunks([ECHO]).removesuffix(b"\r\n"))
        connection.send_until_answered([endless] * 10_000)
        assert connection.answer().status == 431


def test_the_extension_of_a_chunk_without_an_end_is_refused(served: Proxy) -> None:
    with connected(served.port) as connection:
        connection.send(post_in_chunks([]).removesuffix(b"0\r\n\r\n") + b"1;")
        connection.send_until_answered([b"x" * KIB] * 10_000)
        assert connection.answer().status == 431


def test_a_body_that_stops_being_valid_is_refused(served: Proxy) -> None:
    answer = sent(served.port, post_in_chunks([ECHO[:9]]).removesuffix(b"0\r\n\r\n") + b"nonsense\r\n")
    assert answer.status == 400
