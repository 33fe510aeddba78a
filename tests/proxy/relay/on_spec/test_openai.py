"""Deviations of servers on the OpenAI wire, as clients of both wires get them."""

import json
from typing import Any

import pytest

from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.wires import state
from proxy.relay.on_spec.samples import LS, ON_SPEC, RM, STREAMED, WHOLE, first, part
from support.proxy import openai_answers as says
from support.proxy.client_view import event_data
from support.proxy.drive_relay import POLICY, PROVIDER_WIRES, fed, request_of
from support.proxy.sdk_view import anthropic_message, openai_message

Body = dict[str, Any]

WIRE = PROVIDER_WIRES["openai"]
EMPTY: Body = {"role": "assistant", "content": None}
VIEWS = {"openai": openai_message, "anthropic": anthropic_message}
CALLED = {"openai": "tool_calls", "anthropic": "tool_use"}
TOOLS: dict[str, list[Body]] = {
    "openai": [{"type": "function", "function": {"name": name}} for name in ("ls", "rm")],
    "anthropic": [{"name": name, "input_schema": {}} for name in ("ls", "rm")],
}
clients = pytest.mark.parametrize("client", ["openai", "anthropic"])


def asked(client: str, *, tools: bool = True, **more: object) -> Any:
    body: Body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "?"}], **more}
    return request_of(client, {**body, "tools": TOOLS[client]} if tools else body)


def streamed(client: str, *chunks: bytes, policy: AnswerPolicy = POLICY, **more: Any) -> Body:
    """Return the message that the client gets, whichever of the chunks arrive together."""
    views = [
        VIEWS[client](fed(choose(WIRE, asked(client, stream=True, **more), policy), pieces), streamed=True)
        for pieces in (chunks, [b"".join(chunks)])
    ]
    assert [_named(view) for view in views] == [_named(views[0])] * 2
    return views[0]


def _named(view: Body) -> Body:
    """Return the message without ids, which may be new ones."""
    return {**view, "id": None, "calls": [call[1:] for call in view["calls"]]}


def whole(
    client: str, message: Body, reason: str = "stop", policy: AnswerPolicy = POLICY, **more: Any
) -> Body:
    choice = {
        "index": 0,
        "message": {"role": "assistant", **message},
        "finish_reason": reason,
        "logprobs": None,
    }
    decoded = says.completion(choices=[choice])
    relay = choose(WIRE, asked(client, **more), policy)
    return VIEWS[client](relay.whole(json.dumps(decoded).encode(), decoded), streamed=False)


def parts(*pieces: Body) -> list[bytes]:
    return [says.chunk({"tool_calls": [piece]}) for piece in pieces]


def ended(reason: str = "stop") -> list[bytes]:
    return [says.chunk({}, reason), says.DONE]


@clients
@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call"])
@pytest.mark.parametrize("tools", [True, False], ids=["tools", "no tools"])
@pytest.mark.parametrize("pieces", STREAMED.values(), ids=STREAMED)
def test_streamed_calls_arrive_as_they_were_meant(
    pieces: list[Body], tools: bool, reason: str, client: str
) -> None:
    message = streamed(client, says.ROLE, *parts(*pieces), *ended(reason), tools=tools)
    assert [call[1:] for call in message["calls"]] == [LS, RM]
    assert all(call[0] for call in message["calls"])
    assert message["calls"][0][0] != message["calls"][1][0]
    assert message["finish"] == CALLED[client]


@clients
@pytest.mark.parametrize("reason", ["stop", "tool_calls"])
@pytest.mark.parametrize("calls", WHOLE.values(), ids=WHOLE)
def test_whole_calls_arrive_as_they_were_meant(calls: list[Body], reason: str, client: str) -> None:
    message = whole(client, {"content": None, "tool_calls": calls}, reason)
    assert [call[1:] for call in message["calls"]] == [LS, RM]
    assert message["calls"][0][0] != message["calls"][1][0]
    assert message["finish"] == CALLED[client]


@pytest.mark.parametrize("tools", [True, False], ids=["tools", "no tools"])
def test_calls_on_spec_pass_byte_by_byte(tools: bool) -> None:
    interleaved = [
        first(0, "1", "ls"),
        first(1, "2", "rm"),
        part('{"b":[2]}', index=1),
        part('{"a":1}', index=0),
    ]
    later = [
        part("", "", index=0, id=None),
        part(None, None, index=0, id=""),
        part(None, index=0, type="function"),
    ]
    for pieces in (ON_SPEC, interleaved, [first(0, "1", "ls", "{}"), *later]):
        events = [says.ROLE, *parts(*pieces), *ended("tool_calls")]
        for fed_pieces in (events, [b"".join(events)]):
            relay = choose(WIRE, asked("openai", stream=True, tools=tools), POLICY)
            assert fed(relay, fed_pieces) == b"".join(events)


def test_only_chunks_that_are_not_on_spec_are_written_again() -> None:
    events = [says.ROLE, *parts(*ON_SPEC[:3], part('{"b":[2]}', "rm", index=0, id="2", type="function"))]
    events += ended("tool_calls")
    sent = fed(choose(WIRE, asked("openai", stream=True), POLICY), events)
    assert sent.startswith(b"".join(events[:4]))
    assert sent.endswith(b"".join(events[5:]))
    written = event_data(sent)[4]
    assert {name: written[name] for name in ("id", "created", "model")} == {
        "id": "chatcmpl-1",
        "created": 1_700_000_000,
        "model": says.MODEL,
    }


@clients
def test_a_call_without_arguments_gets_empty_ones(client: str) -> None:
    bare: list[Body] = [{"id": "1", "type": "function", "function": {"name": "ls"}}]
    for chunks in (
        [says.chunk({"tool_calls": [{"index": 0, **bare[0]}]}), *ended()],
        [says.chunk({"tool_calls": [{"index": 0, **bare[0]}]}, "stop"), says.USAGE_CHUNK, says.DONE],
        [*parts(first(0, "1", "ls"), part(None, index=0)), *ended("tool_calls")],
    ):
        assert streamed(client, *chunks)["calls"] == [("1", "ls", {})]
    nothing: list[Body] = [{}, {"arguments": None}, {"arguments": ""}, {"arguments": {}}]
    for given in nothing:
        calls = [{**bare[0], "function": {"name": "ls", **given}}]
        assert whole(client, {"content": None, "tool_calls": calls})["calls"] == [("1", "ls", {})]


def test_the_arguments_of_a_cut_answer_are_not_completed() -> None:
    events = [*parts(first(0, "1", "ls")), *ended("length")]
    assert fed(choose(WIRE, asked("openai", stream=True), POLICY), events) == b"".join(events)
    calls = [part("", "ls", id="1", type="function")]
    decoded = says.completion(
        choices=[{"index": 0, "message": {**EMPTY, "tool_calls": calls}, "finish_reason": "length"}]
    )
    assert choose(WIRE, asked("openai"), POLICY).whole(b"as it is", decoded) == b"as it is"


def test_the_reason_of_a_cut_answer_stays() -> None:
    calls = WHOLE["without id"]
    assert whole("openai", {"content": None, "tool_calls": calls}, "length")["finish"] == "length"


@clients
def test_calls_after_the_finish_reason_change_it(client: str) -> None:
    message = streamed(client, says.text("Hi"), says.STOP, *parts(first(0, "1", "ls")), says.DONE)
    assert (message["content"], message["calls"]) == ("Hi", [("1", "ls", {})])
    assert message["finish"] == CALLED[client]


THOUGHT: Body = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
PARTS: list[Body] = [THOUGHT, {"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]


@clients
def test_content_in_parts_is_text_and_reasoning(client: str) -> None:
    thinking: Body = {"thinking": {"type": "adaptive"}} if client == "anthropic" else {}
    chunks = [says.chunk({"content": PARTS[:2]}), says.chunk({"content": PARTS[2:]}), *ended()]
    for message in (
        streamed(client, says.ROLE, *chunks, **thinking),
        whole(client, {"content": PARTS}, **thinking),
    ):
        assert (message["content"], message["reasoning"]) == ("Hello", "Hm.")
        assert message["calls"] == []


@clients
def test_reasoning_in_parts_is_stripped_like_any_other(client: str) -> None:
    policy = AnswerPolicy(filters=["strip_thinking"])
    chunks = [
        says.chunk({"content": PARTS[:1]}),
        says.chunk({"content": [{"type": "text", "text": "<think>x"}]}),
    ]
    chunks += [says.text("</think>Hello"), *ended()]
    message = streamed(client, says.ROLE, *chunks, policy=policy)
    assert (message["content"], message["reasoning"]) == ("Hello", None)


FUNCTIONS: Body = {"tools": False, "functions": [{"name": "ls"}]}


@clients
def test_a_function_call_becomes_a_tool_call(client: str) -> None:
    pieces = [{"name": "ls", "arguments": '{"a"'}, {"name": "ls", "arguments": ""}, {"arguments": ":1}"}]
    chunks = [says.chunk({"function_call": piece}) for piece in pieces]
    call = {"name": "ls", "arguments": {"a": 1}}
    for message in (
        streamed(client, says.ROLE, *chunks, *ended("function_call")),
        whole(client, {"content": None, "function_call": call}, "function_call"),
    ):
        assert [found[1:] for found in message["calls"]] == [LS]
        assert message["finish"] == CALLED[client]


def test_a_client_that_uses_functions_gets_function_calls() -> None:
    old = [
        says.chunk({"function_call": piece})
        for piece in ({"name": "ls", "arguments": ""}, {"arguments": '{"a":1}'})
    ]
    call = {"name": "ls", "arguments": '{"a":1}'}
    for message in (
        streamed("openai", says.ROLE, *old, *ended("function_call"), **FUNCTIONS),
        streamed("openai", says.ROLE, *parts(*ON_SPEC), *ended(), **FUNCTIONS),
        whole("openai", {"content": None, "function_call": call}, "function_call", **FUNCTIONS),
        whole("openai", {"content": None, "tool_calls": WHOLE["without id"]}, **FUNCTIONS),
    ):
        assert message["function_call"]["name"] == "ls"
        assert json.loads(message["function_call"]["arguments"]) == {"a": 1}
        assert (message["calls"], message["finish"]) == ([], "function_call")


def test_state_is_part_of_the_ids_of_calls_that_are_written_again() -> None:
    policy = AnswerPolicy(origin="0a0a0a0a0a0a")
    signed: Body = {"extra_content": {"google": {"thought_signature": "SIG"}}}
    begun, *others = STREAMED["without type"]
    pieces = [{**begun, **signed}, *others]
    for message in (
        streamed("openai", says.chunk({"reasoning": "Hm."}), *parts(*pieces), *ended(), policy=policy),
        whole(
            "openai",
            {
                "content": None,
                "reasoning": "Hm.",
                "tool_calls": [{**call, **signed} for call in WHOLE["without type"]],
            },
            policy=policy,
        ),
    ):
        own_id, found = state.decode_id(message["calls"][0][0])
        assert own_id == "1"
        assert found is not None
        assert (found.call, found.turn) == (signed, {"reasoning": "Hm."})
        assert state.decode_id(message["calls"][1][0])[0] == "2"


def test_calls_written_as_text_and_real_ones_are_numbered_together() -> None:
    text = says.text('<tool_call>{"name": "rm", "arguments": {"b": [2]}}</tool_call>')
    message = streamed(
        "openai", says.ROLE, text, *parts(first(0, "1", "ls"), part('{"a":1}', index=0)), *ended()
    )
    assert [call[1:] for call in message["calls"]] == [RM, LS]


def test_other_choices_stay_as_they_are() -> None:
    def choices(*deltas: Body, reason: str | None = None) -> bytes:
        made = [{"index": n, "delta": delta, "finish_reason": reason} for n, delta in enumerate(deltas)]
        return says.event({**json.loads(says.ROLE[6:]), "choices": made})

    odd = {"tool_calls": [part({"b": [2]}, "rm"), None, 5]}
    events = [
        choices(odd, odd),
        choices({"tool_calls": [part(None)]}, {"content": "x"}),
        choices({}, {}, reason="stop"),
    ]
    for functions in ({}, FUNCTIONS):
        sent = event_data(fed(choose(WIRE, asked("openai", stream=True, n=2, **functions), POLICY), events))
        of = [
            [c for chunk in sent[:-1] for c in chunk["choices"] if c["index"] == number] for number in (0, 1)
        ]
        assert "".join(choice["delta"].get("content") or "" for choice in of[1]) == "x"
        assert of[1][-1]["finish_reason"] == "stop"
        assert of[0][-1]["finish_reason"] == ("function_call" if functions else "tool_calls")
