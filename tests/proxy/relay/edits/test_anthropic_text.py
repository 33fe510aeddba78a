"""Text of an Anthropic provider becomes blocks of text, thinking and tool calls for a client of the same wire."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_proxy.config.provider import OutputFilter, Provider
from coderouter_proxy.relay.choose import choose
from coderouter_proxy.relay.text import AnswerPolicy
from coderouter_proxy.wires import state
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from support.proxy import anthropic_answers as says
from support.proxy.client_view import event_data, ordered_blocks
from support.proxy.drive_relay import request_of
from support.proxy.wire_cases import anthropic_message

Body = dict[str, Any]

WIRE = AnthropicProvider()
ORIGIN = "abc"
FILTERS: tuple[OutputFilter, ...] = ("strip_thinking", "strip_stop_markers")
FILTERED = AnswerPolicy(FILTERS, origin=ORIGIN)
READ = {"name": "read", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}
CALL = '<tool_call>{"name": "read", "arguments": {"path": "/a"}}</tool_call>'
SIGNED = says.thinking("By the vendor.")
USED = says.tool_use("toolu_1", "read", {"path": "/b"})


def asking(*, thinking: bool = False, tools: bool = False) -> Body:
    body: Body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    body |= {"thinking": {"type": "enabled", "budget_tokens": 1024}} if thinking else {}
    return body | ({"tools": [READ]} if tools else {})


def streamed_bytes(body: Body, blocks: list[Body], policy: AnswerPolicy, piece_chars: int) -> bytes:
    relay = choose(WIRE, request_of("anthropic", {**body, "stream": True}), policy)
    events = [says.MESSAGE_START]
    for index, block in enumerate(blocks):
        events += says.block_events(block, index, piece_chars)
    parts: list[bytes] = []
    for event in (*events, says.ended()):
        part, error = relay.feed(event)
        assert error is None
        parts.append(part)
    return b"".join([*parts, relay.end()])


def streamed(body: Body, blocks: list[Body], policy: AnswerPolicy, piece_chars: int) -> Body:
    """Return the message that the stream amounts to, after asserting that its events are in order."""
    events = event_data(streamed_bytes(body, blocks, policy, piece_chars))
    ordered_blocks(events)
    return anthropic_message(events)


def whole(body: Body, blocks: list[Body], policy: AnswerPolicy) -> Body:
    answer = json.dumps(says.message(*blocks)).encode()
    decoded = WIRE.decoded(answer)
    message: Body = json.loads(choose(WIRE, request_of("anthropic", body), policy).whole(answer, decoded))
    return message


def gist(message: Body) -> list[tuple[str, Any]]:
    """Return the blocks without their ids, and how the message ends."""
    fields = {"text": "text", "thinking": "thinking", "tool_use": "input"}
    blocks = [(block["type"], block[fields[block["type"]]]) for block in message["content"]]
    return [*blocks, ("stop_reason", message["stop_reason"])]


def edited(body: Body, *blocks: Body, policy: AnswerPolicy = FILTERED) -> list[tuple[str, Any]]:
    """Return the gist of the answer, which is the same whole and streamed."""
    at_once = gist(whole(body, list(blocks), policy))
    for piece_chars in (1, 3, 7, 1000):
        assert gist(streamed(body, list(blocks), policy, piece_chars)) == at_once, piece_chars
    return at_once


END = ("stop_reason", "end_turn")
CALLED = ("stop_reason", "tool_use")
USES = ("stop_reason", "tool_use")


def test_thinking_in_text_becomes_a_block_before_it() -> None:
    text = says.text("<think>Hm.</think>\n\nHello.<|im_end|>")
    assert edited(asking(thinking=True), text) == [("thinking", "Hm."), ("text", "Hello."), END]
    assert edited(asking(), text) == [("text", "Hello."), END]


def test_thinking_between_text_splits_the_block() -> None:
    text = says.text("Hello <think>Hm.</think>there.")
    parts = [("text", "Hello"), ("thinking", "Hm."), ("text", " there."), END]
    assert edited(asking(thinking=True), text) == parts
    assert edited(asking(), text) == [("text", "Hello there."), END]


def test_thinking_that_was_text_is_signed_as_ours() -> None:
    text = says.text("<think>Hm.</think>Hello.")
    for message in (
        whole(asking(thinking=True), [text], FILTERED),
        streamed(asking(thinking=True), [text], FILTERED, 3),
    ):
        signature = message["content"][0]["signature"]
        assert state.signed(signature, "Hm.") == state.State(ORIGIN, turn={"reasoning_content": "Hm."})


def test_nothing_but_thinking_leaves_no_block_of_text() -> None:
    assert edited(asking(), says.text("<think>Hm.")) == [END]
    assert edited(asking(), says.text("<think>Hm.</think>\n"), USED) == [("tool_use", {"path": "/b"}), CALLED]


def test_blocks_of_the_provider_keep_their_order_and_content() -> None:
    given = [SIGNED, says.text("<think>Hm.</think>Hello."), USED, says.text("There.")]
    parts = [
        ("thinking", "By the vendor."),
        ("thinking", "Hm."),
        ("text", "Hello."),
        ("tool_use", {"path": "/b"}),
    ]
    assert edited(asking(thinking=True), *given) == [*parts, ("text", "There."), CALLED]
    message = streamed(asking(thinking=True), given, FILTERED, 3)
    assert message["content"][0]["signature"] == says.SIGNATURE
    assert message["content"][3]["id"] == "toolu_1"


def test_a_call_in_text_becomes_a_block() -> None:
    body = asking(tools=True)
    call = ("tool_use", {"path": "/a"})
    assert edited(body, says.text(f"I look.\n\n{CALL}")) == [("text", "I look.\n\n"), call, USES]
    assert edited(body, says.text(f"<think>Hm.</think>\n{CALL}\n"), says.text("Done.")) == [
        call,
        ("text", "Done."),
        USES,
    ]
    assert edited(body, USED, says.text(CALL)) == [("tool_use", {"path": "/b"}), call, USES]
    assert edited(asking(), says.text(CALL))[0] == ("text", CALL)


def test_text_of_the_vendor_is_not_searched_for_calls() -> None:
    body = asking(tools=True)
    policy = AnswerPolicy(repairs_text_calls=False)
    raw = streamed_bytes(body, [says.text(CALL)], policy, 4)
    assert raw == b"".join([says.MESSAGE_START, *says.block_events(says.text(CALL), 0), says.ended()])


def test_a_stream_without_the_end_of_its_block_loses_no_text() -> None:
    relay = choose(WIRE, request_of("anthropic", {**asking(), "stream": True}), FILTERED)
    events = (says.MESSAGE_START, says.start(says.text("")), says.content("1 < 2 <"), says.ended())
    raw = b"".join([relay.feed(event)[0] for event in events]) + relay.end()
    assert gist(anthropic_message(event_data(raw))) == [("text", "1 < 2 <"), END]
    ordered_blocks(event_data(raw))


def test_citations_of_a_text_stay_in_its_block() -> None:
    relay = choose(WIRE, request_of("anthropic", {**asking(), "stream": True}), FILTERED)
    cited = {"type": "citations_delta", "citation": {"type": "page_location"}}
    events = (
        *says.block_events(says.thinking("Hm."), 0),
        says.start(says.text(""), 1),
        says.content("<think>No.</think>Yes.", 1),
        says.delta(cited, 1),
        says.stop(1),
    )
    sent = event_data(
        b"".join([relay.feed(event)[0] for event in (says.MESSAGE_START, *events, says.ended())])
    )
    of_text = [(data["type"], data.get("delta")) for data in sent if data.get("index") == 1]
    assert [kind for kind, _ in of_text].count("content_block_start") == 1
    assert of_text[-2:] == [("content_block_delta", cited), ("content_block_stop", None)]


@pytest.mark.parametrize("odd", [None, [], "x", {"type": "text"}, {"type": "text", "text": 1}])
def test_what_is_no_block_is_left_out(odd: object) -> None:
    assert whole_content(odd, says.text("<think>Hm.</think>Hello.")) == [says.text("Hello.")]


def test_blocks_that_are_not_known_are_passed_on() -> None:
    new = {"type": "new"}
    assert whole_content(new, says.text("<think>Hm.</think>Hello.")) == [new, says.text("Hello.")]


def whole_content(*content: object) -> object:
    answer = json.dumps({**says.message(), "content": content}).encode()
    relay = choose(WIRE, request_of("anthropic", asking()), FILTERED)
    return json.loads(relay.whole(answer, WIRE.decoded(answer)))["content"]


parts = st.sampled_from(
    [
        "<think>",
        "</think>",
        "Hm.",
        " ",
        "\n",
        "`",
        "<|im_end|>",
        CALL,
        "a",
        "<",
        "Hello. ",
        "```\n",
        "[THINK]x[/THINK]",
    ]
)
texts = st.lists(parts, min_size=1, max_size=8).map("".join).map(says.text)
blocks = st.lists(st.one_of(texts, texts, st.just(SIGNED), st.just(USED)), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(given_blocks=blocks, thinking=st.booleans(), tools=st.booleans())
def test_any_answer_is_the_same_whole_and_streamed(
    given_blocks: list[Body], thinking: bool, tools: bool
) -> None:
    body = asking(thinking=thinking, tools=tools)
    at_once = gist(whole(body, given_blocks, FILTERED))
    for piece_chars in (1, 5, 1000):
        assert gist(streamed(body, given_blocks, FILTERED, piece_chars)) == at_once


def test_only_the_vendors_own_api_writes_no_calls_as_text() -> None:
    for url, repairs in (("https://api.anthropic.com", False), ("http://127.0.0.1:8080", True)):
        assert (
            WIRE.repairs_text_calls(Provider(name="p", kind="anthropic", base_url=url, model="m")) is repairs
        )
