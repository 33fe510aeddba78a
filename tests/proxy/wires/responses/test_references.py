"""What a request refers to: items in their own ids, items and responses in memory, and what is not there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.errors import NotKept
from coderouter_proxy.wires.deltas import Arguments, Delta, Stop, Text, ToolCall
from coderouter_proxy.wires.responses.carried import ID_CHARS_MAX, carried, carrying
from coderouter_proxy.wires.responses.client import ResponsesClient
from coderouter_proxy.wires.responses.memory import AGE_S_MAX, Memory, ProcessMemory
from support.proxy.drive_relay import request_of
from support.proxy.responses_writing import USAGE, streamed, writer

Body = dict[str, Any]


def message(text: str) -> Body:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


@given(text=st.text(max_size=200))
def test_an_item_is_read_back_out_of_its_id(text: str) -> None:
    item = carrying(message(text))
    assert item["id"].startswith("msg_1_cri_")
    found = carried(item["id"])
    assert found == {name: value for name, value in item.items() if name != "status"}


def test_an_id_with_an_item_is_short_enough_for_clients() -> None:
    incompressible = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(20_000))
    assert carrying(message(incompressible))["id"] == "msg_1"
    assert len(carrying(message("some words " * 2_000))["id"]) <= ID_CHARS_MAX
    assert carrying(message("x" * 100_000))["id"] == "msg_1"


@pytest.mark.parametrize("damage", ["", "x", "_cri_", "_cri_%%", "_cri_eJw", "_cri_" + "A" * 10_000])
def test_a_damaged_id_holds_nothing(damage: str) -> None:
    assert carried(f"msg_1{damage}") is None
    good: str = carrying(message("Hi."))["id"]
    assert carried(good[:-4]) is None
    assert carried(f"{good[:20]}x{good[21:]}") is None


def test_function_calls_have_short_ids_because_clients_send_them_whole() -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "ls", "arguments": "{}"}
    assert carrying(call) is call


def resolved(client: ResponsesClient, *items: Body, **fields: object) -> list[Body]:
    body = {"model": "m", "input": list(items), **fields}
    found: list[Body] = client.decode("req_2", json.dumps(body).encode(), {}).body["input"]
    return found


def keep(memory: Memory, response_id: str, previous_id: str | None, request: bytes, *output: Body) -> None:
    memory.keep(response_id, previous_id, request, json.dumps({"output": output}).encode(), output)


def missed(client: ResponsesClient, *items: Body, **fields: object) -> NotKept:
    body = {"model": "m", "input": list(items), **fields}
    found = client.decode("req_2", json.dumps(body).encode(), {}).missed
    assert found is not None
    return found


def reference(item_id: str) -> Body:
    return {"type": "item_reference", "id": item_id}


DELTAS: list[Delta] = [Text("Look."), ToolCall("c1", "apply_patch"), Arguments('{"input": "x"}')]


def test_items_of_a_streamed_response_are_remembered() -> None:
    client = ResponsesClient()
    streamed(writer(client), [DELTAS], Stop("tool_use"))
    [kept] = client.memory.chain("resp_1") or []
    ids = list(kept.items())

    said, call = resolved(client, *map(reference, ids))

    assert said["content"][0]["text"] == "Look."
    assert (call["type"], call["input"]) == ("custom_tool_call", "x")


def test_items_of_a_whole_response_need_no_memory() -> None:
    output = json.loads(writer().whole(DELTAS, Stop("tool_use"), USAGE))["output"]
    said, call = resolved(ResponsesClient(), *(reference(item["id"]) for item in output))
    assert said["content"] == output[0]["content"]
    assert (call["call_id"], call["input"]) == ("c1", "x")


def test_a_previous_response_comes_before_the_input_with_all_before_it() -> None:
    client = ResponsesClient()
    first = request_of("responses", {"model": "m", "input": "one", "instructions": "Be brief."})
    keep(client.memory, "resp_1", None, first.raw, message("1"))
    more = {"model": "m", "input": [reference("msg_1"), {"role": "user", "content": "two"}]}
    keep(client.memory, "resp_2", "resp_1", json.dumps(more).encode(), {**message("2"), "id": "msg_2"})

    for new in ([{"role": "user", "content": "three"}], []):
        items = resolved(client, *new, previous_response_id="resp_2")
        texts = [item["content"] if "id" not in item else item["content"][0]["text"] for item in items]
        assert texts == ["one", "1", "1", "two", "2", *(each["content"] for each in new)]


def test_instructions_are_not_carried_over() -> None:
    client = ResponsesClient()
    written = writer(client, instructions="Be brief.")
    streamed(written, [[Text("1")]], Stop("end_turn"))
    raw = json.dumps({"model": "m", "input": "two", "previous_response_id": "resp_1"}).encode()
    request = client.decode("req_2", raw, {})
    assert not client.conversation(request.body, len).system


def test_nothing_is_kept_of_a_response_that_is_not_to_be_stored() -> None:
    client = ResponsesClient()
    streamed(writer(client, store=False), [[Text("1")]], Stop("end_turn"))
    assert client.memory.chain("resp_1") is None
    output = json.loads(writer(store=False).whole([Text("1")], Stop("end_turn"), USAGE))["output"]
    assert carried(output[0]["id"]) is None


def test_what_is_not_there_is_reported_in_the_words_of_openai() -> None:
    client = ResponsesClient()
    item = missed(client, reference("msg_9"))
    assert item.message.startswith("Item with id 'msg_9' not found")
    assert (item.status, item.param, item.code) == (404, "input", None)

    response = missed(client, previous_response_id="resp_9")
    assert response.message == "Previous response with id 'resp_9' not found."
    missing = (response.status, response.param, response.code)
    assert missing == (400, "previous_response_id", "previous_response_not_found")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def kept(memory: Memory, number: int, size: int = 100) -> str:
    item = {"type": "message", "id": f"msg_{number}"}
    keep(memory, f"resp_{number}", None, b"x" * size, item)
    return f"resp_{number}"


def test_the_memory_forgets_what_was_not_used_for_longest() -> None:
    memory = ProcessMemory(responses_max=3)
    for number in range(3):
        kept(memory, number)
    assert memory.response("resp_0") is not None
    kept(memory, 3)
    assert memory.response("resp_1") is None
    assert memory.with_item("msg_1") is None
    assert memory.response("resp_0") is not None
    assert memory.with_item("msg_3") is not None


def test_the_memory_is_bounded_in_bytes_and_in_time() -> None:
    clock = Clock()
    memory = ProcessMemory(bytes_max=1_000, clock=clock)
    kept(memory, 0, 600)
    kept(memory, 1, 600)
    assert memory.response("resp_0") is None
    kept(memory, 2, 2_000)
    assert memory.response("resp_2") is None
    clock.now = AGE_S_MAX / 2
    assert memory.response("resp_1") is not None
    clock.now += AGE_S_MAX - 1
    assert memory.response("resp_1") is not None
    clock.now += AGE_S_MAX + 1
    assert memory.response("resp_1") is None
    assert not memory._kept
    assert not memory._response_of
    assert memory._size == 0


def test_a_chain_is_used_as_a_whole() -> None:
    clock = Clock()
    memory = ProcessMemory(clock=clock)
    keep(memory, "resp_0", None, b"{}")
    keep(memory, "resp_1", "resp_0", b"{}")
    clock.now = AGE_S_MAX - 1
    assert len(memory.chain("resp_1") or []) == 2
    clock.now += AGE_S_MAX - 1
    assert len(memory.chain("resp_1") or []) == 2
