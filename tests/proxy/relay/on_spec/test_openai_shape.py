"""How answers on the OpenAI wire end and are shaped, as clients of both wires get them from servers that deviate."""

import json
from typing import Any

import pytest

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.relay.choose import choose
from proxy.relay.on_spec.test_openai import VIEWS, WIRE, asked, clients, streamed, whole
from support.proxy import openai_answers as says
from support.proxy.client_view import event_data
from support.proxy.drive_relay import POLICY, fed

Body = dict[str, Any]

ENDS = {"openai": {"stop": "stop", "cut": "length", "filtered": "content_filter"}}
ENDS["anthropic"] = {"stop": "end_turn", "cut": "max_tokens", "filtered": "refusal"}
REASONS = {
    "stop": ["STOP", "eos_token", "end_turn", "load", "tool_calls", "banana"],
    "cut": ["MAX_TOKENS", "max_tokens", "model_length", "max_output_tokens"],
    "filtered": ["SAFETY", "sensitive", "RECITATION", "content_filter: PROHIBITED_CONTENT"],
}
BY_REASON = [(reason, how) for how, reasons in REASONS.items() for reason in reasons]


@clients
@pytest.mark.parametrize(("reason", "how"), BY_REASON)
def test_the_reason_of_an_answer_is_one_of_the_wire(reason: str, how: str, client: str) -> None:
    assert whole(client, {"content": "Hi"}, reason)["finish"] == ENDS[client][how]
    if how == "stop":  # the SDK raises the others
        message = streamed(client, says.ROLE, says.text("Hi"), says.chunk({}, reason), says.DONE)
        assert message["finish"] == ENDS[client][how]


def choice(answer: Body, **fields: object) -> Body:
    return says.completion(**answer, choices=[{"index": 0, "finish_reason": "stop", **fields}])


@clients
@pytest.mark.parametrize(
    "fields",
    [
        {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": None},
        {"message": {"content": ["H", "i"]}, "index": "0"},
        {"text": "Hi"},
        {"message": {"content": {"type": "text", "text": "Hi"}}},
    ],
    ids=["no reason", "texts in a list", "a completed text", "a part"],
)
def test_whole_answers_of_odd_shape_are_read(fields: Body, client: str) -> None:
    decoded = choice({}, **fields)
    raw = choose(WIRE, asked(client), POLICY).whole(json.dumps(decoded).encode(), decoded)
    message = VIEWS[client](raw, streamed=False)
    assert (message["content"], message["finish"]) == ("Hi", ENDS[client]["stop"])


@clients
@pytest.mark.parametrize(
    "fields",
    [{"delta": {"content": ["H", "i"]}, "index": "0"}, {"text": "Hi"}, {"message": {"content": "Hi"}}],
    ids=["texts in a list", "a completed text", "a message"],
)
def test_chunks_of_odd_shape_are_read(fields: Body, client: str) -> None:
    odd = {**json.loads(says.ROLE[6:]), "choices": [{"index": 0, "finish_reason": None, **fields}]}
    assert streamed(client, says.event(odd), says.STOP, says.DONE)["content"] == "Hi"


@clients
def test_the_whole_message_at_the_end_of_a_stream_does_not_repeat_it(client: str) -> None:
    last = {**json.loads(says.STOP[6:])}
    last["choices"] = [{**last["choices"][0], "message": {"role": "assistant", "content": "Hi"}}]
    assert streamed(client, says.text("Hi"), says.event(last), says.DONE)["content"] == "Hi"


@clients
def test_a_call_that_is_not_in_a_list_is_read(client: str) -> None:
    call: Body = {"id": "1", "type": "function", "function": {"name": "ls", "arguments": '{"a":1}'}}
    chunk = says.chunk({"tool_calls": {"index": 0, **call}})
    for message in (
        streamed(client, chunk, says.STOP, says.DONE),
        whole(client, {"content": None, "tool_calls": call}),
    ):
        assert message["calls"] == [("1", "ls", {"a": 1})]


@clients
@pytest.mark.parametrize("separator", ["\n", "\n: ping\n"])
def test_events_without_blank_lines_between_them_are_told_apart(separator: str, client: str) -> None:
    lines = [event.decode().strip() for event in (says.ROLE, says.text("H"), says.text("i"), says.STOP)]
    events = separator.join([*lines, "data: [DONE]\n\n"]).encode()
    assert streamed(client, events)["content"] == "Hi"


@clients
@pytest.mark.parametrize("data", [b"null", b"ping", b"Keep-Alive"])
def test_what_keeps_a_connection_alive_is_no_chunk(data: bytes, client: str) -> None:
    assert streamed(client, b"data: %b\n\n" % data, says.text("Hi"), says.STOP, says.DONE)["content"] == "Hi"


@clients
@pytest.mark.parametrize("reason", [None, "stop"])
@pytest.mark.parametrize("place", ["choice", "x_groq"])
def test_an_error_anywhere_in_a_chunk_ends_the_answer(place: str, reason: str | None, client: str) -> None:
    chunk = json.loads(says.chunk({"content": ""}, reason)[6:])
    where = chunk["choices"][0] if place == "choice" else chunk.setdefault("x_groq", {})
    where["error"] = {"code": 502, "message": "provider disconnected"}
    relay = choose(WIRE, asked(client, stream=True), POLICY)
    relay.feed(says.text("Hel"))
    _, error = relay.feed(says.event(chunk))
    assert isinstance(error, ProviderError)
    assert error.message == "provider disconnected"


def test_tokens_are_reported_by_the_names_of_the_wire() -> None:
    reported: Body = {"input_tokens": 10, "output_tokens": 3.0, "cost": 0.5}
    chunk = says.event({**json.loads(says.STOP[6:]), "usage": reported})
    sent = event_data(
        fed(choose(WIRE, asked("openai", stream=True), POLICY), [says.text("x"), chunk, says.DONE])
    )
    [usage] = [each["usage"] for each in sent[:-1] if each.get("usage")]
    assert usage == {**reported, "prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    assert type(usage["output_tokens"]) is int


@clients
def test_a_call_in_both_forms_is_one(client: str) -> None:
    function = {"name": "ls", "arguments": '{"a":1}'}
    call = {"id": "1", "type": "function", "function": function}
    message = whole(client, {"content": None, "tool_calls": [call], "function_call": function})
    assert message["calls"] == [("1", "ls", {"a": 1})]
