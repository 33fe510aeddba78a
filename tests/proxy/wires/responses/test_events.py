"""Events and objects of answers, held against the types of the official SDK."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy.answer import Usage
from coderouter_proxy.errors import HttpError
from coderouter_proxy.wires.deltas import (
    Arguments,
    Delta,
    Opaque,
    Signature,
    Stop,
    Text,
    Thinking,
    ToolCall,
)
from support.proxy.client_view import event_data
from support.proxy.responses_view import checked_events, checked_response, checked_stream
from support.proxy.responses_writing import CALLED, answers, stops, streamed, writer

Body = dict[str, Any]

SEEN = sorted((Path(__file__).parent / "data").glob("*.jsonl"))
ANY_LOAD = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=500)


def as_stream(path: Path) -> bytes:
    events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events)


def shape(value: object) -> object:
    """Return the value with the type of each leaf in its place."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return value if value is None or isinstance(value, bool) else type(value).__name__


@pytest.mark.parametrize("path", SEEN, ids=lambda path: path.stem)
def test_an_answer_has_the_events_and_fields_that_clients_were_seen_to_accept(path: Path) -> None:
    seen = as_stream(path)
    output = checked_stream(seen)["output"]
    call: Body = output[-1]
    custom = call["type"] == "custom_tool_call"
    given = json.dumps({"input": call["input"]}) if custom else call["arguments"]
    deltas: list[list[Delta]] = [
        [Thinking("think")],
        [Thinking("ing")],
        [Text("Let me ")],
        [Text("look.")],
        [ToolCall(call["call_id"], "apply_patch" if custom else "ls"), Arguments(given)],
    ]

    ours = streamed(writer(include=[]), deltas, Stop("tool_use"))

    expected = [event for event in event_data(seen) if not event["type"].endswith("arguments.delta")]
    found = [event for event in event_data(ours) if not event["type"].endswith("arguments.delta")]
    assert [event["type"] for event in found] == [event["type"] for event in expected]
    for event, known in zip(found, expected, strict=True):
        for each in (event, known):
            if "response" in each:
                each["response"] |= {"tools": [], "tool_choice": "auto", "store": True}
        assert shape(known).items() <= shape(event).items(), event["type"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("store", [False, True])
@given(deltas=answers(), stop=stops, data=st.data())
@ANY_LOAD
def test_every_event_is_of_its_type_and_agrees_with_the_object_at_the_end(
    store: bool, deltas: list[Delta], stop: Stop, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(deltas)))
    raw = streamed(writer(store=store), [deltas[:cut], deltas[cut:]], stop)
    response = checked_stream(raw)

    whole = checked_response(json.loads(writer(store=store).whole(deltas, stop, Usage(10, 5, 3, 1, 2))))

    without_ids = [
        [{name: value for name, value in item.items() if name != "id"} for item in each["output"]]
        for each in (response, whole)
    ]
    assert without_ids[0] == without_ids[1]
    assert response["usage"] == whole["usage"]
    assert response["status"] == whole["status"]


@given(deltas=answers(), data=st.data())
@ANY_LOAD
def test_a_stream_that_fails_anywhere_ends_as_failed(deltas: list[Delta], data: st.DataObject) -> None:
    written = writer()
    raw = written.begin() + written.write(deltas[: data.draw(st.integers(0, len(deltas)))])

    raw += written.fail(HttpError(502, "the provider is gone", code="upstream_failed_midstream"))

    response = checked_stream(raw)
    assert response["error"] == {"code": "server_error", "message": "the provider is gone"}
    assert response["usage"] is None


def test_a_failure_before_the_first_event_is_an_event_of_its_own() -> None:
    [failed] = checked_events(writer().fail(HttpError(502, "gone")))
    assert failed["type"] == "response.failed"


ENDS = {
    "max_tokens": ("incomplete", {"reason": "max_output_tokens"}, None),
    "content_filter": ("incomplete", {"reason": "content_filter"}, None),
    "end_turn": ("completed", None, None),
    "stop_sequence": ("completed", None, None),
    "refusal": ("completed", None, None),
    "model_context_window_exceeded": ("failed", None, "context_length_exceeded"),
}


@pytest.mark.parametrize("reason", ENDS)
def test_how_an_answer_ends(reason: str) -> None:
    response = checked_stream(streamed(writer(), [[Text("Hel")]], Stop(reason)))
    status, details, code = ENDS[reason]
    error = response["error"]
    assert (response["status"], response["incomplete_details"]) == (status, details)
    assert (error and error["code"]) == code
    [message] = response["output"]
    assert message["status"] == ("completed" if status == "completed" else "incomplete")


def test_a_refusal_is_a_part_of_its_own() -> None:
    [message] = checked_stream(streamed(writer(), [], Stop("refusal")))["output"]
    assert [part["type"] for part in message["content"]] == ["refusal"]
    [message] = checked_stream(streamed(writer(), [[Text("No")]], Stop("refusal")))["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]


def test_parallel_calls_are_items_in_their_order_and_text_after_them_is_another() -> None:
    deltas: list[Delta] = [
        Text("Look."),
        ToolCall("a", "ls"),
        Arguments("{}"),
        ToolCall("b", "ls"),
        Text("!"),
    ]
    response = checked_stream(streamed(writer(), [deltas], Stop("tool_use")))
    said = [(item["type"], item.get("call_id")) for item in response["output"]]
    assert said == [("message", None), ("function_call", "a"), ("function_call", "b"), ("message", None)]
    assert response["output"][2]["arguments"] == "{}"


def test_white_space_alone_is_no_message() -> None:
    deltas: list[Delta] = [Thinking("Hm."), Text("\n\n"), ToolCall("a", "ls"), Arguments("{}"), Text(" ")]
    response = checked_stream(streamed(writer(), [deltas], Stop("tool_use")))
    assert [item["type"] for item in response["output"]] == ["reasoning", "function_call"]


@pytest.mark.parametrize("name", CALLED)
def test_a_call_comes_back_as_an_item_of_its_tool(name: str) -> None:
    deltas: list[Delta] = [ToolCall("call_1", name), Arguments('{"input": "x\\n"}')]
    [item] = checked_stream(streamed(writer(), [deltas], Stop("tool_use")))["output"]
    assert item["call_id"] == "call_1"
    said = (item["type"], item.get("namespace"), item.get("name"))
    expected = {
        "ls": ("function_call", None, "ls"),
        "apply_patch": ("custom_tool_call", None, "apply_patch"),
        "mcp__calc__add": ("function_call", "mcp__calc", "add"),
        "mcp__calc__run": ("custom_tool_call", "mcp__calc", "run"),
        "tool_search": ("tool_search_call", None, None),
        "unknown": ("function_call", None, "unknown"),
    }
    assert said == expected[name]
    if item["type"] == "custom_tool_call":
        assert item["input"] == "x\n"
    elif item["type"] == "tool_search_call":
        assert (item["arguments"], item["execution"]) == ({"input": "x\n"}, "client")


def test_reasoning_has_what_the_client_must_return_if_it_keeps_state_itself() -> None:
    deltas: list[Delta] = [Thinking("Hm."), Signature("crs_ours"), Opaque("redacted_thinking", "crs_more")]
    deltas += [ToolCall("a", "ls"), Thinking("So."), Signature("theirs")]
    sealing = writer(store=False)
    assert sealing.shows_thinking
    items = checked_stream(streamed(sealing, [deltas], Stop("tool_use")))["output"]
    sealed = [item["encrypted_content"] for item in items if item["type"] == "reasoning"]
    assert sealed[:2] == ["crs_ours", "crs_more"]
    assert sealed[2].startswith("crs_")

    plain = writer()
    assert not plain.shows_thinking
    items = checked_stream(streamed(plain, [[Thinking("Hm.")]], Stop("end_turn")))["output"]
    assert "encrypted_content" not in items[0]


def test_usage_has_all_details() -> None:
    usage = checked_stream(streamed(writer(), [[Text("Hi")]], Stop("end_turn")))["usage"]
    assert usage == {
        "input_tokens": 14,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 19,
    }


def test_usage_that_a_provider_does_not_report_is_estimated() -> None:
    long = writer(input="word " * 1000)
    usage = checked_stream(streamed(long, [[Text("answer " * 100)]], Stop("end_turn"), Usage()))["usage"]
    assert 1000 < usage["input_tokens"] < 2000
    assert 150 < usage["output_tokens"] < 250


def test_the_object_repeats_what_the_client_sent() -> None:
    text = {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": True}, "verbosity": "low"}
    sent: Body = {
        "instructions": "Be brief.",
        "max_output_tokens": 5,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "tool_choice": {"type": "function", "name": "ls"},
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low", "summary": "auto"},
        "store": False,
        "user": "u",
    }
    response = checked_stream(streamed(writer(**sent, text=text), [], Stop("end_turn")))
    assert {name: response[name] for name in sent} == sent
    assert response["text"]["format"]["name"] == "n"
    assert (response["model"], response["tools"][1]["name"]) == ("m", "apply_patch")
