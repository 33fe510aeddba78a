"""Damaged requests to the real proxy: it answers or says what is wrong, and never fails with an error of its own."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.wires.conftest import Side
from proxy.wires.test_translate_fuzz import REQUESTS, damaged, deep
from support.proxy.client import Response
from support.proxy.process import Proxy

pytestmark = pytest.mark.slow

PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "responses": "/v1/responses",
}
PER_PROXY = settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def send(wires: Proxy, side: Side, wire: str, raw: bytes, path: str = "") -> Response:
    headers = {"anthropic-version": "2023-06-01"} if wire == "anthropic" else {}
    return wires.post(raw, {**headers, **side.header}, PATHS[wire] + path).rest()


def is_sound(response: Response, wire: str) -> bool:
    """Return whether the client got an answer, or an error in the shape of its wire."""
    if response.status == 200:
        return True
    error = response.json["error"]
    return (
        response.status != 500
        and bool(error["message"])
        and (wire != "anthropic" or error["type"] != "api_error")
    )


@pytest.mark.parametrize("wire", PATHS)
@given(data=st.data())
@PER_PROXY
def test_a_damaged_request_gets_an_answer_or_an_error(
    wire: str, wires: Proxy, side: Side, data: st.DataObject
) -> None:
    body = data.draw(damaged(REQUESTS[wire]))
    answer = side.says.streamed() if body.get("stream") is True else side.says.answer()
    side.provider.plays(always=answer)
    assert is_sound(send(wires, side, wire, json.dumps(body).encode()), wire)


@given(data=st.data())
@PER_PROXY
def test_tokens_of_a_damaged_request_are_counted_or_rejected(
    wires: Proxy, side: Side, data: st.DataObject
) -> None:
    raw = json.dumps(data.draw(damaged(REQUESTS["anthropic"]))).encode()
    response = send(wires, side, "anthropic", raw, "/count_tokens")
    assert response.status in (200, 400)
    assert response.status == 400 or response.json["input_tokens"] > 0


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@pytest.mark.parametrize("levels", [100, 300, 1000, 100_000])
def test_a_deeply_nested_request_gets_an_answer_or_an_error(
    levels: int, wire: str, wires: Proxy, side: Side
) -> None:
    side.provider.plays(always=side.says.answer())
    for kind in ("object", "list"):
        raw = f'{{"messages":[{{"role":"user","content":{deep(levels, kind)}}}],"max_tokens":5}}'.encode()
        assert is_sound(send(wires, side, wire, raw), wire)


@given(raw=st.binary(max_size=200))
@PER_PROXY
def test_bytes_that_are_no_request_get_an_error(raw: bytes, wires: Proxy, side: Side) -> None:
    for wire in PATHS:
        assert send(wires, side, wire, raw).status == 400
