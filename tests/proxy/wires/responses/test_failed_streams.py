"""How streams of responses end: their last event says how, and what it leaves out was in those before it."""

import json

import pytest

from proxy.wires.conftest import Side
from support.proxy import openai_answers
from support.proxy import responses_answers as answers
from support.proxy.client_view import Client
from support.proxy.process import Proxy
from support.proxy.upstream import stream

FAILED: dict[str, dict[str, object]] = {
    "without its response": {"type": "response.failed"},
    "with an empty one": {"type": "response.failed", "response": {}},
    "that claims to be completed": {
        "type": "response.failed",
        "response": {"status": "completed", "output": []},
    },
    "with a text for an error": {
        "type": "response.failed",
        "response": {"status": "failed", "error": "boom"},
    },
    "cancelled": {"type": "response.cancelled"},
}


def event(data: dict[str, object]) -> bytes:
    return f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode()


@pytest.mark.parametrize("last", FAILED.values(), ids=FAILED)
def test_a_response_that_failed_before_its_content_falls_back_and_later_is_an_error(
    last: dict[str, object], wires: Proxy, r: Side, o: Side, client: Client
) -> None:
    begun = [*answers.message_begun(), answers.text("Hel")]
    r.provider.plays(stream(event(last)), stream(*begun, event(last)))
    o.provider.plays(openai_answers.streamed("Hi"))

    early = client.stream(wires, r.profile("both-")).rest()
    assert wires.finished(early.request_id)["provider"] == "openai"

    late = client.stream(wires, r.header).rest()
    assert client.text(late.body) == "Hel"
    assert client.error(late.body)
    assert wires.finished(late.request_id)["outcome"] == "midstream"


def test_an_item_that_the_last_event_leaves_out_is_in_a_whole_answer(wires: Proxy, r: Side) -> None:
    said, thought = answers.message("Hello"), answers.reasoning("Hm.")
    *events, _ = [step for step in answers.streamed_items(thought, said)[1:-1] if isinstance(step, bytes)]
    data = [step.partition(b"\r\n")[2].removesuffix(b"\r\n") for step in events]
    r.provider.plays(stream(*data, answers.ended(thought)))
    assert b"Hello" in wires.responses(r.header).rest().body


def test_a_response_that_is_incomplete_by_its_event_alone_is_incomplete(wires: Proxy, r: Side) -> None:
    begun = [*answers.message_begun(), answers.text("Hel")]
    r.provider.plays(stream(*begun, event({"type": "response.incomplete"})))
    chat = wires.chat(r.header, stream=True).rest()
    assert b'"finish_reason":"length"' in chat.body
