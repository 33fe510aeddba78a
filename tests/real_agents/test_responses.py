"""The scripted provider of the Responses API answers what the types allow, and refuses what OpenAI refuses."""

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from real_agents.providers.conversation import Body
from real_agents.providers.kinds import RESPONSES, Kind
from real_agents.providers.model import Model
from real_agents.providers.task import ANSWER, Call, Task
from support.proxy.upstream import Received, Script

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
FUNCTION = {"type": "function", "name": "read", "parameters": {"type": "object", "properties": {}}}
CUSTOM = {"type": "custom", "name": "patch"}
NAMESPACE = {
    "type": "namespace",
    "name": "calc",
    "description": "Sums.",
    "tools": [{**FUNCTION, "name": "add"}],
}
SEARCH = {"type": "tool_search", "execution": "client", "description": "Find.", "parameters": {}}
TOOLS = [FUNCTION, CUSTOM, NAMESPACE, SEARCH]
USER = {"role": "user", "content": "Go."}
CALL = {"type": "function_call", "call_id": "c1", "name": "read", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "text"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": []}
TASK = Task(
    (
        (
            Call("read", {}, "text"),
            Call("patch", {"input": "a\nb"}, "done"),
            Call("calc__add", {"a": 1}, "1"),
            Call("tool_search", {"query": "add"}, "add"),
        ),
    )
)


def played(model: Model, body: Body) -> Script:
    raw = json.dumps({"model": "any", "tools": TOOLS, **body}).encode()
    return model(Received(method="POST", path="/v1/responses", headers={}, body=raw, connection=1))


def answered(model: Model, body: Body) -> tuple[int, Any]:
    """Return the status and the body of a whole answer."""
    head, answer = played(model, body)
    assert isinstance(head, bytes)
    assert isinstance(answer, bytes)
    return int(head.split()[1]), json.loads(answer)


@pytest.fixture
def model() -> Model:
    return Model(Kind("responses", RESPONSES), TASK)


def test_events_are_valid_and_say_the_same_as_the_response_at_their_end(model: Model) -> None:
    include = ["reasoning.encrypted_content"]
    _, *chunks, _ = played(model, {"input": "Go.", "stream": True, "include": include})
    events = [
        json.loads(chunk.split(b"data: ")[1].splitlines()[0]) for chunk in chunks if isinstance(chunk, bytes)
    ]

    for event in events:
        EVENTS.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    response = events[-1]["response"]
    assert events[-1]["type"] == "response.completed"
    assert response["output"] == done
    Response.model_validate(response)
    deltas = [event["delta"] for event in events if event["type"] == "response.custom_tool_call_input.delta"]
    assert "".join(deltas) == "a\nb"


def test_each_kind_of_tool_is_called_by_an_item_of_its_own(model: Model) -> None:
    _, response = answered(model, {"input": "Go."})
    shapes = [(item["type"], item.get("namespace"), item.get("name")) for item in response["output"]]
    assert shapes == [
        ("reasoning", None, None),
        ("message", None, None),
        ("function_call", None, "read"),
        ("custom_tool_call", None, "patch"),
        ("function_call", "calc", "add"),
        ("tool_search_call", None, None),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, 'One of "input" or "previous_response_id" must be provided.'),
        ({"input": "Go.", "messages": []}, "Unknown parameter: 'messages'."),
        ({"input": "Go.", "max_output_tokens": 1}, "Expected a value >= 16"),
        ({"input": "Go.", "text": {"format": {"type": "json_schema"}}}, "'text.format.name'"),
        ({"input": "Go.", "previous_response_id": "resp_x"}, "Previous response with id 'resp_x' not found."),
        ({"input": [{"type": "item_reference", "id": "msg_x"}]}, "Item with id 'msg_x' not found."),
        ({"input": [{**USER, "role": "tool"}]}, "(input[0].role)"),
        ({"input": [{**USER, "content": [{"type": "text"}]}]}, "(input[0].content[0].type)"),
        ({"input": [{"type": "image"}]}, "(input[0].type)"),
        ({"input": [USER, CALL]}, "No tool output found for function call c1."),
        ({"input": [USER, OUTPUT]}, "No tool call found for function call output with call_id c1."),
        ({"input": [USER, {**CALL, "result": 1}]}, "Unknown parameter: 'input[1].result'."),
        ({"input": [USER, {"type": "function_call", "call_id": "c1"}]}, "'input[1].arguments'"),
        ({"input": [USER, {**CALL, "id": "call_1"}, OUTPUT]}, "Expected an ID that begins with 'fc'."),
        ({"input": [USER, {**CALL, "call_id": "c" * 65}]}, "maximum length 64"),
        ({"input": [USER, REASONING, CALL, OUTPUT]}, "Item with id 'rs_1' not found."),
        ({"input": [USER, {**REASONING, "encrypted_content": "x"}]}, "could not be verified"),
        ({"input": [USER, {**REASONING, "encrypted_content": "sealed-rs_1"}]}, "required following item"),
        ({"input": "Go.", "tools": [{"type": "magic"}]}, "(tools[0].type)"),
        ({"input": "Go.", "tools": [{**FUNCTION, "name": "a b"}]}, "Invalid 'tools[0].name'"),
        ({"input": "Go.", "tools": [{**FUNCTION, "strict": True}]}, "'additionalProperties' is required"),
    ],
)  # fmt: skip
def test_what_openai_refuses_is_refused(body: Body, words: str, model: Model) -> None:
    status, refusal = answered(model, body)
    assert status == 400
    assert words in refusal["error"]["message"]
    assert model.answers == 0


def test_items_come_back_by_reference_only_if_they_were_stored(model: Model) -> None:
    calls = [{"type": "item_reference", "id": "?"}]
    for store, expected in ((True, 200), (False, 400)):
        _, response = answered(model, {"input": "Go.", "store": store})
        message = next(item for item in response["output"] if item["type"] == "message")
        reasoning = response["output"][0]["id"]
        calls = [{"type": "item_reference", "id": item_id} for item_id in (reasoning, message["id"])]
        status, _ = answered(model, {"input": [USER, *calls, USER]})
        assert status == expected


def test_a_conversation_continues_from_the_id_of_a_response(model: Model) -> None:
    _, response = answered(model, {"input": "Go."})
    outputs = [
        {"type": "function_call_output", "call_id": "call_0_0", "output": "text"},
        {"type": "custom_tool_call_output", "call_id": "call_0_1", "output": "done"},
        {
            "type": "function_call_output",
            "call_id": "call_0_2",
            "output": [{"type": "input_text", "text": "1"}],
        },
        {"type": "tool_search_output", "call_id": "call_0_3", "tools": [NAMESPACE]},
    ]
    status, ended = answered(model, {"input": outputs, "previous_response_id": response["id"]})
    assert (status, ended["output"][0]["content"][0]["text"]) == (200, ANSWER)
    assert model.missing() == []


def test_an_item_needs_the_reasoning_that_came_before_it(model: Model) -> None:
    _, response = answered(model, {"input": "Go.", "include": ["reasoning.encrypted_content"]})
    reasoning, message, *_ = response["output"]
    assert answered(model, {"input": [USER, reasoning, message, USER]})[0] == 200
    status, refusal = answered(model, {"input": [USER, message, USER]})
    assert status == 400
    assert "without its required 'reasoning' item" in refusal["error"]["message"]


def test_a_deferred_tool_is_offered_once_it_was_found() -> None:
    model = Model(
        Kind("responses", RESPONSES),
        Task(((Call("tool_search", {"query": "add"}, ""),), (Call("add", {}, ""),))),
    )
    deferred = {**NAMESPACE, "tools": [{**FUNCTION, "name": "add", "defer_loading": True}]}
    tools = [SEARCH, deferred]
    searched = {"type": "tool_search_call", "call_id": "c1", "arguments": {}}
    found = {"type": "tool_search_output", "call_id": "c1", "tools": [deferred]}
    empty = {**found, "tools": []}
    _, refused = answered(model, {"input": [USER, searched, empty], "tools": tools})
    assert refused["output"][0]["content"][0]["text"] == "There is no tool add for step 2."
    _, called = answered(model, {"input": [USER, searched, found], "tools": tools})
    assert called["output"][-1]["name"] == "add"


def test_a_task_continues_after_the_summary_of_a_conversation() -> None:
    calls = tuple((Call("read", {}, "text"),) for _ in range(2))
    model = Model(Kind("responses", RESPONSES), Task(calls, compaction="SUMMARISE"))
    _, summary = answered(
        model, {"input": [USER, CALL, OUTPUT, {**USER, "content": "SUMMARISE"}], "tools": []}
    )
    assert summary["output"][0]["content"][0]["text"] == "1 tool calls are done."
    _, second = answered(model, {"input": [USER, {**USER, "content": "1 tool calls are done."}]})
    assert second["output"][-1]["call_id"] == "call_1_0"
    asked = [USER, {**USER, "content": "1 tool calls are done."}, CALL, OUTPUT]
    _, ended = answered(model, {"input": asked})
    assert ended["output"][0]["content"][0]["text"] == ANSWER
    assert model.missing() == []
