"""A cut answer never looks complete, for a client of each wire and a provider of each wire."""

import json
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import anthropic_answers as anthropic
from support.proxy import openai_answers as openai
from support.proxy import responses_answers as responses
from support.proxy.client import Response
from support.proxy.client_view import Client
from support.proxy.process import Proxy
from support.proxy.upstream import Script, stream, whole

ERRORS: dict[str, Any] = {
    "vLLM's older shape": {"object": "error", "message": "boom", "type": "BadRequestError", "code": 400},
    "a text": {"error": "boom"},
    "an object": {"error": {"message": "boom", "code": 503}},
    "an error without words": {"error": {"code": 500}},
    "a detail": {"detail": "boom"},
    "FastAPI's list": {"detail": [{"loc": ["body"], "msg": "boom", "type": "x"}]},
    "a message and a code": {"message": "boom", "code": "internal"},
    "a message and a status": {"status": 500, "message": "boom"},
    "a list of them": [{"error": {"message": "boom", "status": "UNAVAILABLE"}}],
    "Anthropic's": {"type": "error", "error": {"type": "overloaded_error", "message": "boom"}},
}
ERROR_EVENTS = {
    "plain words": b"event: error\ndata: boom\n\n",
    "a JSON text": b'event: error\ndata: "boom"\n\n',
    "an odd object": b'event:error\ndata: {"reason": "boom"}\n\n',
    "what looks like a chunk": b'data: {"choices": [{"delta": {"content": "x"}}]}\nevent: error\n\n',
    "nothing": b"event: error\ndata:\n\n",
    "a body behind the stream": b'{"error": {"message": "boom"}}\n\n',
}
BROKEN_OFF = ["error", "network_error", "insufficient_system_resource", "abort", "cancelled", "USER_CANCEL"]


@pytest.fixture
def side(each_side: Side) -> Side:
    return each_side


def beginning(side: Side) -> list[bytes]:
    if side.name == "openai":
        return [openai.ROLE, openai.text("Hel")]
    if side.name == "responses":
        return [*responses.message_begun(), responses.text("Hel")]
    return [anthropic.MESSAGE_START, anthropic.start(anthropic.text("")), anthropic.content("Hel")]


def end(side: Side, reason: str | None) -> bytes:
    """Return the events that end a stream after the words of `beginning`, with this reason to stop."""
    if side.name == "openai":
        return openai.chunk({}, reason) + openai.DONE
    if side.name == "responses":
        said = responses.message("Hel")
        status = "completed" if reason == "stop" else "incomplete"
        last = responses.ended(said, status=status, incomplete_details={"reason": reason})
        return b"".join([*responses.message_ended(), last if reason else responses.DONE])
    stopped = {"stop_reason": reason, "stop_sequence": None}
    return anthropic.stop() + anthropic.event("message_delta", delta=stopped) + anthropic.MESSAGE_STOP


def whole_stopped_by(side: Side, reason: str) -> Script:
    if side.name == "anthropic":
        return anthropic.answer("Hel", stop_reason=reason)
    if side.name == "responses":
        status = "incomplete" if reason else "in_progress"
        return responses.answer("Hel", status=status, incomplete_details={"reason": reason})
    message = {"role": "assistant", "content": "Hel"}
    return openai.answer(choices=[{"index": 0, "message": message, "finish_reason": reason}])


def assert_cut(served: Proxy, client: Client, response: Response) -> None:
    assert response.status == 200
    assert client.text(response.body) == "Hel"
    assert client.error(response.body)
    assert b"[DONE]" not in response.body
    assert b"message_stop" not in response.body
    assert served.finished(response.request_id)["outcome"] == "midstream"


def asked(client: Client, served: Proxy, headers: dict[str, str], *, streamed: bool) -> Response:
    if streamed:
        return client.stream(served, headers).rest()
    return (served.chat if client.name == "openai" else served.messages)(headers).rest()


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_an_error_of_any_shape_in_a_stream_ends_it(
    error: object, wires: Proxy, side: Side, client: Client
) -> None:
    data = b"data: %b\n\n" % json.dumps(error).encode()
    side.provider.plays(stream(*beginning(side), data, end(side, "stop")))
    assert_cut(wires, client, client.stream(wires, side.header).rest())


@pytest.mark.parametrize("event", ERROR_EVENTS.values(), ids=ERROR_EVENTS)
def test_an_error_event_with_any_data_ends_a_stream(
    event: bytes, wires: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(stream(*beginning(side), event, end(side, "stop")))
    response = client.stream(wires, side.header).rest()
    assert_cut(wires, client, response)
    assert b"boom" in response.body or b"boom" not in event


@pytest.mark.parametrize("reason", BROKEN_OFF)
def test_a_stop_for_which_the_model_is_not_the_reason_is_an_error(
    reason: str, wires: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(stream(*beginning(side), end(side, reason)))
    assert_cut(wires, client, client.stream(wires, side.header).rest())


@pytest.mark.parametrize("reason", ["", None], ids=["empty", "null"])
def test_an_end_without_a_stop_is_an_error(
    reason: str | None, wires: Proxy, side: Side, client: Client
) -> None:
    side.provider.plays(stream(*beginning(side), end(side, reason)))
    assert_cut(wires, client, client.stream(wires, side.header).rest())


def test_the_end_is_the_stop_of_a_server_that_names_none(wires: Proxy, o: Side, client: Client) -> None:
    chunk = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    o.provider.plays(stream(openai.event(chunk), openai.DONE))

    response = client.stream(wires, o.header).rest()

    assert client.text(response.body) == "Hi"
    assert client.is_complete(response.body)


def test_a_stop_that_is_named_late_counts_as_named(wires: Proxy, o: Side, client: Client) -> None:
    first = openai.event({"id": "c", "choices": [{"index": 0, "delta": {"content": "H"}}]})
    o.provider.plays(stream(first, openai.text("el"), openai.DONE))
    assert_cut(wires, client, client.stream(wires, o.header).rest())


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_an_error_in_place_of_an_answer_falls_back(
    error: object, streamed: bool, wires: Proxy, side: Side, client: Client, o: Side, n: Side
) -> None:
    other = n if side.name == "openai" else o
    side.provider.plays(whole(error))
    other.provider.plays(other.says.streamed("Hi") if streamed else other.says.answer("Hi"))

    response = asked(client, wires, side.profile("both-"), streamed=streamed)

    assert response.status == 200
    assert wires.finished(response.request_id)["provider"] == other.name


@pytest.mark.parametrize("reason", [*BROKEN_OFF, ""])
def test_a_whole_answer_that_was_cut_falls_back(
    reason: str, wires: Proxy, side: Side, client: Client, o: Side, n: Side
) -> None:
    other = n if side.name == "openai" else o
    side.provider.plays(whole_stopped_by(side, reason))
    other.provider.plays(other.says.answer("Hi"))

    response = asked(client, wires, side.profile("both-"), streamed=False)

    assert wires.finished(response.request_id)["provider"] == other.name


def test_an_empty_stop_on_each_chunk_is_none(wires: Proxy, o: Side, client: Client) -> None:
    chunks = [openai.chunk({"content": piece}, "") for piece in ("Hel", "lo")]
    o.provider.plays(stream(*chunks, openai.STOP, openai.DONE))

    response = client.stream(wires, o.header).rest()

    assert client.text(response.body) == "Hello"
    assert client.is_complete(response.body)
    assert b'"finish_reason":""' not in response.body.replace(b": ", b":")
