"""Deviations of servers on the Anthropic wire, as clients of both wires get them."""

import json
from typing import Any

import pytest

from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.relay.whole import relayed
from proxy.relay.on_spec.samples import LS, RM
from proxy.relay.on_spec.test_openai import CALLED, VIEWS, asked, clients
from support.proxy import anthropic_answers as says
from support.proxy.client_view import event_data, ordered_blocks
from support.proxy.drive_relay import POLICY, PROVIDER_WIRES, fed

Body = dict[str, Any]

WIRE = PROVIDER_WIRES["anthropic"]


def call(name: str, given: object = None, call_id: str | None = None) -> Body:
    block: Body = {"type": "tool_use", "name": name, "input": {} if given is None else given}
    return block if call_id is None else {**block, "id": call_id}


def arguments(piece: object, index: int = 0) -> bytes:
    return says.delta({"type": "input_json_delta", "partial_json": piece}, index)


TEXT = [says.start(says.text("")), says.content("I look."), says.stop()]
LS_EVENTS = [says.start(call("ls", call_id="1"), 1), arguments('{"a":1}', 1), says.stop(1)]
RM_EVENTS = [
    says.start(call("rm", call_id="2"), 2),
    arguments('{"b":', 2),
    arguments("[2]}", 2),
    says.stop(2),
]

STREAMED: dict[str, list[bytes]] = {
    "on spec, with the reason of a text": [*TEXT, *LS_EVENTS, *RM_EVENTS],
    "without id": [
        *TEXT,
        says.start(call("ls"), 1),
        *LS_EVENTS[1:],
        says.start(call("rm", call_id=""), 2),
        *RM_EVENTS[1:],
    ],
    "all of the input at the start": [
        *TEXT,
        says.start(call("ls", {"a": 1}, "1"), 1),
        says.stop(1),
        says.start(call("rm", {"b": [2]}, "2"), 2),
        says.stop(2),
    ],
    "the input at the start and in deltas": [
        *TEXT,
        says.start(call("ls", {"a": 1}, "1"), 1),
        *LS_EVENTS[1:],
        says.start(call("rm", {"b": []}, "2"), 2),
        *RM_EVENTS[1:],
    ],
    "the input as a text at the start": [
        *TEXT,
        says.start(call("ls", '{"a":1}', "1"), 1),
        says.stop(1),
        *RM_EVENTS,
    ],
    "objects in deltas": [*TEXT, LS_EVENTS[0], arguments({"a": 1}, 1), says.stop(1), *RM_EVENTS],
    "blocks that are not closed": [*TEXT[:2], *LS_EVENTS[:2], *RM_EVENTS[:3]],
    "blocks that are not closed, with all of the input at the start": [
        *TEXT[:2],
        says.start(call("ls", {"a": 1}, "1"), 1),
        says.start(call("rm", {"b": [2]}, "2"), 2),
    ],
    "blocks with the same index": [
        *TEXT,
        says.start(call("ls", call_id="1")),
        arguments('{"a":1}'),
        says.stop(),
        says.start(call("rm", call_id="2")),
        arguments('{"b":[2]}'),
        says.stop(),
    ],
    "blocks with the same index that are not closed": [
        *TEXT[:2],
        says.start(call("ls", call_id="1")),
        arguments('{"a":1}'),
        says.start(call("rm", call_id="2")),
        arguments('{"b":[2]}'),
    ],
    "both with the same id": [*TEXT, *LS_EVENTS, says.start(call("rm", call_id="1"), 2), *RM_EVENTS[1:]],
    "open at the same time": [
        *TEXT,
        LS_EVENTS[0],
        RM_EVENTS[0],
        RM_EVENTS[1],
        *LS_EVENTS[1:],
        *RM_EVENTS[2:],
    ],
    "open at the same time, the second one not closed": [
        *TEXT,
        LS_EVENTS[0],
        *RM_EVENTS[:3],
        *LS_EVENTS[1:],
    ],
    "open at the same time, none of them closed": [*TEXT, LS_EVENTS[0], *RM_EVENTS[:3], LS_EVENTS[1]],
    "blocks that are closed twice and too late": [
        *TEXT,
        says.stop(),
        *LS_EVENTS[:2],
        *RM_EVENTS,
        says.stop(1),
    ],
}
WHOLE: dict[str, list[Body]] = {
    "on spec, with the reason of a text": [call("ls", {"a": 1}, "1"), call("rm", {"b": [2]}, "2")],
    "without id": [call("ls", {"a": 1}), call("rm", {"b": [2]}, "")],
    "both with the same id": [call("ls", {"a": 1}, "1"), call("rm", {"b": [2]}, "1")],
    "the input as a text": [call("ls", '{"a":1}', "1"), call("rm", '{"b": [2]}', "2")],
}


def streamed(client: str, *events: bytes, policy: AnswerPolicy = POLICY) -> Body:
    """Return the message that the client gets, whichever of the events arrive together."""
    views = [
        VIEWS[client](fed(choose(WIRE, asked(client, stream=True), policy), pieces), streamed=True)
        for pieces in (events, [b"".join(events)])
    ]
    shapes = [{**view, "id": None, "calls": [found[1:] for found in view["calls"]]} for view in views]
    assert shapes[0] == shapes[1]
    return views[0]


@clients
@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "stop", "tool_calls"])
@pytest.mark.parametrize("events", STREAMED.values(), ids=STREAMED)
def test_streamed_calls_arrive_as_they_were_meant(events: list[bytes], reason: str, client: str) -> None:
    message = streamed(client, says.MESSAGE_START, *events, says.ended(reason))
    assert message["content"] == "I look."
    assert [found[1:] for found in message["calls"]] == [LS, RM]
    assert all(found[0] for found in message["calls"])
    assert message["calls"][0][0] != message["calls"][1][0]
    assert message["finish"] == CALLED[client]


@clients
@pytest.mark.parametrize("reason", ["end_turn", "tool_use", "stop"])
@pytest.mark.parametrize("calls", WHOLE.values(), ids=WHOLE)
def test_whole_calls_arrive_as_they_were_meant(calls: list[Body], reason: str, client: str) -> None:
    decoded = says.message(says.text("I look."), *calls, stop_reason=reason)
    raw = choose(WIRE, asked(client), POLICY).whole(json.dumps(decoded).encode(), decoded)
    message = VIEWS[client](raw, streamed=False)
    assert [found[1:] for found in message["calls"]] == [LS, RM]
    assert message["calls"][0][0] != message["calls"][1][0]
    assert message["finish"] == CALLED[client]


@clients
def test_a_call_without_input_has_an_empty_one(client: str) -> None:
    blank = [says.start({"type": "tool_use", "id": "1", "name": "ls"}), arguments(""), says.ended()]
    assert streamed(client, says.MESSAGE_START, *blank)["calls"] == [("1", "ls", {})]


@clients
@pytest.mark.parametrize("reason", ["max_tokens", "refusal"])
def test_the_reason_of_a_cut_answer_stays(reason: str, client: str) -> None:
    decoded = says.message(call("ls", {"a": 1}, "1"), stop_reason=reason)
    raw = choose(WIRE, asked(client), POLICY).whole(json.dumps(decoded).encode(), decoded)
    assert VIEWS[client](raw, streamed=False)["finish"] != CALLED[client]


def test_what_is_on_spec_passes_byte_by_byte() -> None:
    hosted: Body = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    blocks = [says.thinking("Hm."), says.text("Hi"), hosted, says.tool_use("1", "ls", {"a": 1})]
    events = [event for number, block in enumerate(blocks) for event in says.block_events(block, number)]
    events = [says.MESSAGE_START, says.PING, *events, says.ended("tool_use")]
    for pieces in (events, [b"".join(events)]):
        assert fed(choose(WIRE, asked("anthropic", stream=True), POLICY), pieces) == b"".join(events)
    decoded = says.message(*blocks, stop_reason="tool_use")
    body = json.dumps(decoded).encode()
    assert choose(WIRE, asked("anthropic"), POLICY).whole(body, decoded) == body


def test_text_that_was_held_back_is_sent_before_its_block_ends() -> None:
    policy = AnswerPolicy(filters=["strip_thinking"])
    events = [says.start(says.text("")), says.content("a <thi"), *LS_EVENTS, says.ended()]
    message = streamed("anthropic", says.MESSAGE_START, *events, policy=policy)
    assert (message["content"], message["calls"]) == ("a <thi", [("1", *LS)])


def test_a_delta_without_a_block_begins_one_and_what_has_no_place_is_left_out() -> None:
    events = [
        says.MESSAGE_START,
        says.MESSAGE_START,
        says.content("x", 7),
        says.event("content_block_delta"),
        says.delta({"type": "input_json_delta", "partial_json": "{}"}, 7),
        *TEXT,
        says.event("content_block_start", index="x"),
        says.start({"type": "tool_use", "id": "1", "input": {}}, 2),
        says.ended(),
    ]
    sent = event_data(fed(choose(WIRE, asked("anthropic", stream=True), POLICY), events))
    assert [block["text"] for block in ordered_blocks(sent)] == ["x", "I look."]


def test_a_message_without_its_start_gets_one() -> None:
    sent = event_data(fed(choose(WIRE, asked("anthropic", stream=True), POLICY), [*TEXT, says.ended()]))
    assert [block["text"] for block in ordered_blocks(sent)] == ["I look."]


REASONS = {"length": ("length", "max_tokens"), "stop": ("stop", "end_turn"), "tool_use": ("stop", "end_turn")}


@clients
@pytest.mark.parametrize("reason", REASONS)
def test_the_reason_of_an_answer_is_one_of_the_wire(reason: str, client: str) -> None:
    events = [says.MESSAGE_START, *TEXT, says.ended(reason)]
    finish = REASONS[reason][client == "anthropic"]
    if finish != "length":  # the SDK raises it
        assert streamed(client, *events)["finish"] == finish
    decoded = says.message(says.text("Hi"), stop_reason=reason)
    raw = choose(WIRE, asked(client), POLICY).whole(json.dumps(decoded).encode(), decoded)
    assert VIEWS[client](raw, streamed=False)["finish"] == finish


@clients
@pytest.mark.parametrize("content", ["Hi", [{"type": "text", "text": "Hi"}]], ids=["a text", "blocks"])
def test_a_message_that_lacks_what_clients_read_gets_it(content: object, client: str) -> None:
    body = json.dumps({"content": content}).encode()
    raw = relayed(body, WIRE, choose(WIRE, asked(client), POLICY))
    message = VIEWS[client](raw, streamed=False)
    assert (message["content"], message["finish"]) == ("Hi", REASONS["stop"][client == "anthropic"])
    assert streamed(client, b"data: %b\n\n" % body)["content"] == "Hi"


def test_thinking_without_a_signature_gets_an_empty_one() -> None:
    block = {"type": "thinking", "thinking": "Hm."}
    events = [
        says.start({**block, "thinking": ""}),
        says.delta({"type": "thinking_delta", "thinking": "Hm."}),
    ]
    assert streamed("anthropic", says.MESSAGE_START, *events, says.ended())["reasoning"] == "Hm."
    decoded = says.message(block)
    raw = choose(WIRE, asked("anthropic"), POLICY).whole(json.dumps(decoded).encode(), decoded)
    assert json.loads(raw)["content"] == [{**block, "signature": ""}]


def test_an_answer_ends_with_done_where_its_server_speaks_chat_completions_to_others() -> None:
    events = [
        says.MESSAGE_START,
        *TEXT,
        *says.ended().partition(b"event: message_stop")[:1],
        b"data: [DONE]\n\n",
    ]
    assert streamed("anthropic", *events)["finish"] == "end_turn"


def test_line_breaks_in_the_strings_of_an_input_are_read() -> None:
    decoded = says.message(call("ls", '{"a":"x\ny"}', "1"), call("rm", '{"a":"\\ud83d\n"}', "2"))
    raw = choose(WIRE, asked("anthropic"), POLICY).whole(json.dumps(decoded).encode(), decoded)
    [ls, rm] = VIEWS["anthropic"](raw, streamed=False)["calls"]
    assert ls == ("1", "ls", {"a": "x\ny"})
    assert rm == ("2", "rm", {"arguments": '{"a":"\\ud83d\n"}'})
