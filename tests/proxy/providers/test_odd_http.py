"""Providers whose answers are hardly HTTP: each is a failure at once, with words that a user understands."""

import gzip
import json
import zlib

import pytest

from coderouter_proxy.providers.plain_http.decompression import Decompressor
from support.events import names
from support.growth import GROWTH_MAX, growth_in_cpu_time
from support.proxy import openai_answers as says
from support.proxy.process import Proxy
from support.proxy.upstream import CUT, HANG, Provider, Script, whole

BODY = json.dumps(says.completion("compressed")).encode()
HALF = len(BODY) // 2
COMPRESSED = {
    "gzip": ("gzip", gzip.compress(BODY)),
    "gzip in members": ("gzip", gzip.compress(BODY[:HALF]) + gzip.compress(BODY[HALF:])),
    "gzip with padding": ("gzip", gzip.compress(BODY) + bytes(600)),
    "deflate in zlib's frame": ("deflate", zlib.compress(BODY)),
    "deflate": ("deflate", zlib.compress(BODY, wbits=-zlib.MAX_WBITS)),
}
SHORT = gzip.compress(BODY)[:-9]
BOMB = gzip.compress(bytes(20_000_000))


def odd(first_line: bytes, *headers: bytes, body: bytes = b"") -> Script:
    """Answer with this and leave the connection open."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return (b"HTTP/1.1 " + first_line + b"\r\n" + lines + b"\r\n" + body, HANG)


UPGRADE = (b"Upgrade: h2c", b"Connection: Upgrade")
FAILS: dict[str, tuple[Script, int | None, str]] = {
    "101": (odd(b"101 Switching Protocols", *UPGRADE, body=b"PRI * HTTP/2.0"), 101, "responds with 101"),
    "101 without Upgrade": (odd(b"101 Switching Protocols"), 101, "responds with 101"),
    "199": (odd(b"199 Odd"), 199, "responds with 199"),
    "104 before an answer": ((*odd(b"104 Odd")[:1], *whole(BODY)), 104, "responds with 104"),
    "100 for ever": ((b"HTTP/1.1 100 Continue\r\n\r\n" * 50, HANG), 100, "responds with 100 again and again"),
    "000": (odd(b"000 None", b"Content-Length: 0"), 0, "responds with 0"),
    "099": (odd(b"099 None", b"Content-Length: 0"), 99, "responds with 99"),
    "four digits": (odd(b"1000 Odd"), None, "not an HTTP response: "),
    "no HTTP": ((b"hello there\r\n\r\n", HANG), None, "not an HTTP response: "),
    "a length below zero": (odd(b"200 OK", b"Content-Length: -5"), None, "not an HTTP response: "),
    "two lengths": (
        odd(b"200 OK", b"Content-Length: 5", b"Content-Length: 6"),
        None,
        "not an HTTP response: ",
    ),
    "an encoding that was not asked for": (
        odd(b"200 OK", b"Content-Encoding: br", b"Content-Length: 5", body=b"\x0b\x02\x80\x7b\x7d"),
        None,
        "the answer is compressed with 'br', which the request does not accept",
    ),
    "what is not gzip": (
        odd(b"200 OK", b"Content-Encoding: gzip", b"Content-Length: 5", body=b"hello"),
        None,
        "the answer cannot be decompressed",
    ),
    "gzip that is cut": (
        odd(b"200 OK", b"Content-Encoding: gzip", b"Content-Length: %d" % len(SHORT), body=SHORT),
        None,
        "the answer cannot be decompressed: it is cut",
    ),
    "gzip that is cut by the end of the connection": (
        (*odd(b"200 OK", b"Content-Encoding: gzip", b"Connection: close", body=SHORT)[:1], CUT),
        None,
        "the answer cannot be decompressed: it is cut",
    ),
    "a little that holds very much": (
        odd(b"200 OK", b"Content-Encoding: gzip", b"Content-Length: %d" % len(BOMB), body=BOMB),
        None,
        "the answer cannot be decompressed: a piece of it holds more than 16777216 bytes",
    ),
    "too many headers": (
        odd(b"200 OK", *[b"A: b"] * 40_000),
        None,
        "the answer has more than 256 header fields",
    ),
}


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("script", "status", "words"), FAILS.values(), ids=FAILS)
def test_it_fails_at_once_and_the_next_provider_answers(
    script: Script, status: int | None, words: str, streamed: bool, served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(script)
    b.plays(says.hello(as_stream=streamed))

    response = served.chat(stream=streamed).rest()

    assert response.status == 200
    story = served.story(response.request_id)
    assert names(story)[:3] == ["try-provider", "provider-failed", "try-provider"]
    failed = story[1]
    assert (failed["error_type"], failed["status"], failed["retryable"]) == ("protocol", status, True)
    assert failed["error"].startswith(words)
    assert "install" not in failed["error"]
    assert "127.0.0.1" not in failed["error"]
    assert "\n" not in failed["error"]


@pytest.mark.parametrize("code", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
def test_interim_responses_that_http_names_are_skipped(code: bytes, served: Proxy, a: Provider) -> None:
    interim = b"HTTP/1.1 %b\r\nLink: <x>\r\n\r\n" % code
    a.plays((interim, interim, *whole(BODY)))
    assert served.chat(profile="one").rest().json["choices"][0]["message"]["content"] == "compressed"


@pytest.mark.parametrize(("encoding", "body"), COMPRESSED.values(), ids=COMPRESSED)
def test_a_usual_encoding_is_read_although_none_was_asked_for(
    encoding: str, body: bytes, served: Proxy, a: Provider
) -> None:
    a.plays(whole(body, headers={"Content-Encoding": encoding}))
    assert served.chat(profile="one").rest().json["choices"][0]["message"]["content"] == "compressed"
    assert a.request.headers["accept-encoding"] == "identity"


def test_the_connection_of_a_provider_that_switches_protocols_is_not_used_again(
    served: Proxy, a: Provider, b: Provider
) -> None:
    a.plays(odd(b"101 Switching Protocols", *UPGRADE), says.answer())
    b.plays(says.answer())
    served.chat(profile="both").rest()
    first = a.request.connection
    assert served.chat(profile="one").rest().status == 200
    assert a.request.connection != first


def test_members_are_read_in_linear_time() -> None:
    member = gzip.compress(b"")

    def read(body: bytes) -> None:
        for _ in Decompressor().feed(body):
            pass

    assert growth_in_cpu_time(read, lambda count: member * count, 2_000) <= GROWTH_MAX
