"""The words of a refusal, whatever its body: a client never gets JSON or markup as a message."""

import json
from typing import Any

import pytest

from coderouter_proxy.wires.refusals import refusal
from support.growth import GROWTH_MAX, growth_in_cpu_time

WORDS = "too many bananas"
BODIES: dict[str, Any] = {
    "NaN in it": b'{"error":{"message":"too many bananas","x":NaN}}',
    "not UTF-8": b'{"x":"\xe9","message":"too many bananas"}',
    "an event": b'event: error\ndata: {"error":{"message":"too many bananas"}}\n\n',
    "an event behind comments": b': wait\n\ndata:{"error":"too many bananas"}\r\n\r\n',
    "JSON that was cut": b'{"error": {"message": "too many bananas", "raw": "' + b"x" * 9000,
    "a page": b"<!DOCTYPE html>\n<html><head><title>too many\n bananas</title><script>1<2</script></html>",
    "XML": b'<?xml version="1.0"?><Error><Code>No</Code><Message>too many bananas</Message></Error>',
    "AWS": {"Message": WORDS},
    "OAuth": {"error": "invalid_request", "error_description": WORDS},
    "Apigee": {"fault": {"faultstring": WORDS, "detail": {"errorcode": "x"}}},
    "MiniMax": {"base_resp": {"status_code": 1008, "status_msg": WORDS}},
    "a problem": {"type": "about:blank", "title": "Bad Request", "detail": WORDS},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_words_are_found(body: Any) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert refusal(400, raw, None, "Bad Request").message == WORDS


def test_errors_by_field_name_it() -> None:
    body = json.dumps({"errors": {"max_tokens": ["is too large"], "n": "is odd"}}).encode()
    assert refusal(422, body, None, "").message == "max_tokens: is too large; n: is odd"


@pytest.mark.parametrize(
    "body", [b"<html>x", b'{"a":' * 5000, '{"error":"x"}'.encode("utf-16")], ids=range(3)
)
def test_without_words_the_status_is_the_message(body: bytes) -> None:
    assert refusal(502, body, None, "Bad Gateway").message == "HTTP 502 Bad Gateway"


def test_half_a_character_can_be_sent_on() -> None:
    message = refusal(400, b'{"message":"x\\ud83d"}', None, "").message
    assert message.encode().decode().startswith("x")


@pytest.mark.long
@pytest.mark.parametrize("unit", [b"<title", b'{"message"', b'{"message":"\\', b"<!--", b"data:{\n"])
def test_the_time_is_linear_in_the_body(unit: bytes) -> None:
    def read(body: bytes) -> None:
        refusal(400, body, None, "")

    assert growth_in_cpu_time(read, lambda n: unit * n, 2_000) <= GROWTH_MAX
