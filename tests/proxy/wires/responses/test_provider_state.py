"""What a provider of the Responses wire gets back of its own: sealed reasoning, and what clients refer to."""

import json
from typing import Any

import pytest

from proxy.wires.conftest import Side
from support.proxy import openai_answers
from support.proxy import responses_answers as answers
from support.proxy.client import Response
from support.proxy.client_view import event_data, ordered_blocks
from support.proxy.process import Proxy
from support.proxy.responses_view import checked_response, checked_stream
from support.proxy.upstream import whole

Body = dict[str, Any]

HELLO = {"role": "user", "content": "Say hello."}
FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
THOUGHT = answers.reasoning("Hm.")
CALL = answers.call("call_1", "weather", {})
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}


def posted(wires: Proxy, side: Side, **body: object) -> Response:
    return wires.responses(side.header, **body).rest()


def sealed_in(items: list[Body]) -> list[str]:
    return [item["encrypted_content"] for item in items if item.get("type") == "reasoning"]


def test_sealed_reasoning_comes_back_from_a_chat_client(wires: Proxy, r: Side, o: Side) -> None:
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    r.provider.plays(answers.streamed_items(THOUGHT, CALL), always=answers.answer())
    raw = wires.chat(r.header, stream=True, tools=[tool]).rest().body
    deltas = [each["choices"][0]["delta"] for each in event_data(raw)[:-1] if each["choices"]]
    [call_id] = [call["id"] for each in deltas for call in each.get("tool_calls", ()) if "id" in call]
    call = {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    turn = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": call_id, "content": "sunny"}
    wires.chat(r.header, messages=[HELLO, turn, result], tools=[tool]).rest()
    _, thought, called, returned = r.provider.request.json["input"]
    assert (thought["encrypted_content"], thought["id"]) == (answers.SEALED, "rs_theirs")
    assert called["call_id"] == returned["call_id"] == "call_1"

    o.provider.plays(openai_answers.answer())
    wires.chat(o.header, messages=[HELLO, turn, result], tools=[tool]).rest()
    assert answers.SEALED not in o.provider.request.body.decode()
    assert o.provider.request.json["messages"][1]["tool_calls"][0]["id"] == "call_1"


def test_sealed_reasoning_comes_back_from_a_messages_client(wires: Proxy, r: Side) -> None:
    tool = {"name": "weather", "input_schema": {"type": "object"}}
    thinking = {"type": "enabled", "budget_tokens": 1024}
    r.provider.plays(answers.streamed_items(THOUGHT, CALL), always=answers.answer())
    asked: Body = {"tools": [tool], "thinking": thinking, "max_tokens": 2000}
    raw = wires.messages(r.header, stream=True, **asked).rest().body
    blocks = ordered_blocks(event_data(raw))
    use = next(block for block in blocks if block["type"] == "tool_use")
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": "sunny"}
    messages = [HELLO, {"role": "assistant", "content": blocks}, {"role": "user", "content": [result]}]
    wires.messages(r.header, messages=messages, **asked).rest()
    assert sealed_in(r.provider.request.json["input"]) == [answers.SEALED]


@pytest.mark.parametrize("tools", [[], [FUNCTION]], ids=["passed on", "written again"])
def test_sealed_reasoning_comes_back_from_a_client_of_this_wire(
    tools: list[Body], wires: Proxy, r: Side, o: Side
) -> None:
    r.provider.plays(answers.streamed_items(THOUGHT, CALL), always=answers.answer())
    fields: Body = {"tools": tools, "store": False}
    output = checked_stream(posted(wires, r, stream=True, **fields).body)["output"]
    posted(wires, r, input=[HELLO, *output, RESULT], **fields)
    sent = r.provider.request.json["input"]
    assert sealed_in(sent) == [answers.SEALED]
    assert [item.get("call_id") for item in sent if "call_id" in item] == ["call_1", "call_1"]

    o.provider.plays(openai_answers.answer())
    posted(wires, o, input=[HELLO, *output, RESULT], **fields)
    assert answers.SEALED not in o.provider.request.body.decode()


@pytest.mark.parametrize("kind", ["content", "summary"])
def test_reasoning_comes_back_in_its_place_and_a_summary_does_not(kind: str, wires: Proxy, r: Side) -> None:
    part = {"type": "reasoning_text" if kind == "content" else "summary_text", "text": "Hm."}
    thought = {"type": "reasoning", "id": "rs_theirs", "summary": [], kind: [part]}
    r.provider.plays(
        whole(answers.response(thought, answers.message("Look."), CALL)), always=answers.answer()
    )
    output = checked_response(posted(wires, r, tools=[FUNCTION]).json)["output"]
    assert output[0]["summary"][0]["text"] == "Hm."
    posted(wires, r, input=[HELLO, *output, RESULT], tools=[FUNCTION])
    _, *sent, _ = r.provider.request.json["input"]
    kinds = [item["type"] for item in sent]
    assert kinds == [*(["reasoning"] if kind == "content" else []), "message", "function_call"]
    if kind == "content":
        assert (sent[0]["content"], sent[0]["id"][:3]) == ([part], "rs_")


def test_state_of_other_providers_is_left_out(wires: Proxy, r: Side, o: Side) -> None:
    o.provider.plays(openai_answers.streamed_thoughtful("Hm.", "Hi."))
    output = checked_stream(posted(wires, o, stream=True, store=False).body)["output"]
    assert output[0]["encrypted_content"].startswith("crs_")
    r.provider.plays(answers.answer())
    posted(wires, r, input=[HELLO, *output, HELLO])
    assert [item.get("role") for item in r.provider.request.json["input"]] == ["user", "assistant", "user"]


def test_reasoning_that_the_provider_cannot_read_is_left_out_and_sent_again(wires: Proxy, r: Side) -> None:
    refusal = answers.error("The encrypted content gAAA... could not be verified.", 400)
    r.provider.plays(refusal, answers.answer("Hi."))
    response = posted(wires, r, input=[HELLO, THOUGHT, HELLO])
    assert response.status == 200
    assert [item["role"] for item in r.provider.request.json["input"]] == ["user", "user"]


def test_what_is_not_kept_here_is_passed_to_who_may_have_it(wires: Proxy, r: Side) -> None:
    r.provider.plays(always=answers.answer())
    reference = {"type": "item_reference", "id": "msg_elsewhere"}
    posted(wires, r, input=[reference, HELLO], previous_response_id="resp_elsewhere")
    sent = r.provider.request.json
    assert sent["previous_response_id"] == "resp_elsewhere"
    assert sent["input"] == [reference, HELLO]


def test_others_answer_the_miss_in_the_words_of_openai(wires: Proxy, side: Side) -> None:
    side.provider.plays()
    response = posted(wires, side, previous_response_id="resp_elsewhere")
    assert (response.status, response.json["error"]["code"]) == (400, "previous_response_not_found")
    story = wires.story(response.request_id)
    assert [event["msg"] for event in story] == ["state-missed", "request-finished"]
    assert not side.provider.requests


def test_a_response_of_the_provider_is_referred_to_there_and_repeated_elsewhere(
    wires: Proxy, r: Side, o: Side
) -> None:
    r.provider.plays(answers.streamed("Hi."), always=answers.answer(id="resp_more"))
    made = checked_stream(posted(wires, r, stream=True).body)
    more: Body = {"previous_response_id": made["id"], "input": "And now?"}
    posted(wires, r, **more)
    assert {name: r.provider.request.json[name] for name in more} == more

    o.provider.plays(openai_answers.answer())
    posted(wires, o, **more)
    said = [message["content"] for message in o.provider.request.json["messages"]]
    assert said == ["Say hello.", "Hi.", "And now?"]


def test_a_response_of_another_provider_is_repeated_here(wires: Proxy, r: Side, o: Side) -> None:
    o.provider.plays(openai_answers.streamed("Hi."))
    made = checked_stream(posted(wires, o, stream=True).body)
    r.provider.plays(always=answers.answer())
    posted(wires, r, previous_response_id=made["id"], input="And now?")
    sent = r.provider.request.json
    assert "previous_response_id" not in sent
    assert len(sent["input"]) == 3
    posted(wires, r, input=[{"type": "item_reference", "id": made["output"][0]["id"]}, HELLO])
    assert json.dumps(r.provider.request.json["input"]).count("item_reference") == 0
