"""What is written is what strict servers take, and nothing is left out of it without a name."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from coderouter_proxy.wires.conversation import (
    Body,
    Call,
    Conversation,
    Media,
    Part,
    Result,
    Role,
    Text,
    Thinking,
    Tool,
    Turn,
    VendorPart,
)
from coderouter_proxy.wires.losses import losses
from support.proxy.conversations import WIRES, WRITERS, conversations, written

pytestmark = pytest.mark.slow

ANY_LOAD = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HI = Turn("user", (Text("Hi"),))


@pytest.mark.parametrize("wire", WIRES)
@given(conversation=conversations())
@ANY_LOAD
def test_a_request_is_one_that_strict_servers_take(wire: str, conversation: Conversation) -> None:
    assert_accepted(written(conversation, wire), wire)


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("wire", WIRES)
def test_a_turn_of_which_nothing_can_be_said_is_gone(wire: str, role: Role) -> None:
    """Thinking is all that there is of an answer that was interrupted early; Mistral refuses a message without text."""
    other: Role = "user" if role == "assistant" else "assistant"
    lost = Turn(role, (Thinking("Hm."), VendorPart("other", "compaction", {})))
    assert_accepted(
        written(said(HI, Turn(other, (Text("one"),)), lost, Turn(other, (Text("two"),))), wire), wire
    )


@pytest.mark.parametrize("in_one_turn", [True, False])
@pytest.mark.parametrize("ids", [("call.1", "call:1"), ("call_1", "call_1"), ("", "")], ids=str)
def test_no_two_calls_of_an_anthropic_request_have_one_id(ids: tuple[str, str], in_one_turn: bool) -> None:
    """Anthropic: "`tool_use` ids must be unique", in the whole request; some local servers count from 0 again."""
    calls = [Call(call_id, "ls", "{}") for call_id in ids]
    results = [Result(call_id, (Text("ok"),)) for call_id in ids]
    together = [Turn("assistant", tuple(calls)), Turn("user", tuple(results))]
    apart = [
        turn
        for call, result in zip(calls, results, strict=True)
        for turn in (Turn("assistant", (call,)), Turn("user", (result,)))
    ]
    assert_accepted(written(said(HI, *(together if in_one_turn else apart)), "anthropic"), "anthropic")


def test_a_request_without_tools_declares_those_that_were_called_for_anthropic() -> None:
    calls = (Call("call_1", "ls", "{}"), Call("call_2", "ls", "{}"))
    results = tuple(Result(call.id, (Text("."),)) for call in calls)
    turns = (HI, Turn("assistant", calls), Turn("user", (*results, Text("Summarise."))))
    body = written(said(*turns), "anthropic")
    assert [tool["name"] for tool in body["tools"]] == ["ls"]
    assert body["tool_choice"] == {"type": "none"}
    assert "tools" not in written(said(HI), "anthropic")
    assert "tools" not in written(said(*turns), "openai")


@pytest.mark.parametrize("texts", [[" "], ["one", " \n", "two"]], ids=str)
def test_an_empty_text_of_the_system_is_gone(texts: list[str]) -> None:
    conversation = Conversation(system=tuple(map(Text, texts)), turns=(HI,))
    assert system_of(written(conversation, "openai")) == system_of(written(conversation, "anthropic"))


def said(*turns: Turn) -> Conversation:
    return Conversation(turns=turns)


OWN_PARTS: dict[str, Part] = {
    "openai": VendorPart("openai", "input_audio", {"type": "input_audio", "input_audio": {"data": "NEEDLE"}}),
    "anthropic": VendorPart(
        "anthropic", "container_upload", {"type": "container_upload", "file_id": "NEEDLE"}
    ),
}
IMAGE = Media("image", url="https://example.org/NEEDLE.png")
SILENT: dict[str, tuple[str, Conversation]] = {
    "title of a text": (
        "openai",
        said(Turn("user", (Media("document", "text/plain", text="words", title="NEEDLE.txt"),))),
    ),
    "strict": ("anthropic", Conversation(turns=(HI,), tools=(Tool(name="ls", strict="NEEDLE"),))),
    "image of the model": ("openai", said(HI, Turn("assistant", (Text("Here."), IMAGE)))),
    "image of the system": ("anthropic", said(HI, Turn("system", (Text("Look."), IMAGE)))),
    "breakpoint of the system": (
        "anthropic",
        said(HI, Turn("system", (Text("Go.", cache={"type": "NEEDLE"}),))),
    ),
    **{
        f"own part of {wire}": (wire, said(Turn("user", (Text("Hi"), part))))
        for wire, part in OWN_PARTS.items()
    },
    **{
        f"own field of {wire}": (wire, Conversation(turns=(HI,), vendor={wire: {"speed": "NEEDLE"}}))
        for wire in WIRES
    },
}


@pytest.mark.parametrize(("wire", "conversation"), SILENT.values(), ids=SILENT)
def test_nothing_is_left_out_without_a_name(wire: str, conversation: Conversation) -> None:
    is_named = losses(conversation, WRITERS[wire].VOCABULARY) != ()
    assert is_named or b"NEEDLE" in orjson.dumps(written(conversation, wire))


def assert_accepted(body: Body, wire: str) -> None:
    """Raise an AssertionError unless the messages are in an order, and have the content, that any server accepts."""
    assert all(
        first["role"] != second["role"] or first["role"] in ("system", "tool")
        for first, second in pairwise(body["messages"])
    )
    if wire == "openai":
        _assert_openai(body["messages"])
    else:
        _assert_anthropic(body["messages"])
        assert "tools" in body or not any(part.get("type") == "tool_use" for part in _parts(body))
    assert not any(part.get("type") == "text" and not part["text"].strip() for part in _parts(body))


def _assert_openai(messages: Iterable[Body]) -> None:
    awaited: list[str] = []
    for message in [*messages, {"role": "user", "content": "the next"}]:
        if message["role"] == "tool":
            assert message["tool_call_id"] == awaited.pop(0)
        else:
            assert not awaited
            awaited = [call["id"] for call in message.get("tool_calls", [])]
            content = message["content"]
            assert awaited or (content.strip() if isinstance(content, str) else content)


def _assert_anthropic(messages: list[Body]) -> None:
    assert messages[0]["role"] == "user"
    called: list[str] = []
    known: set[str] = set()
    for message in [*messages, {"role": "user", "content": []}]:
        results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        assert results == called
        assert all(block["type"] == "tool_result" for block in message["content"][: len(called)])
        called = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        assert len({*called} - known) == len(called)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", call_id) for call_id in called)
        known |= {*called}
    assert all(message["content"] for message in messages)
    last = messages[-1]["content"][-1]
    assert messages[-1]["role"] == "user" or last["text"] == last["text"].rstrip()


def _parts(body: Body) -> list[Body]:
    contents = [message["content"] for message in body["messages"]]
    parts: list[Body] = [part for content in contents if isinstance(content, list) for part in content]
    inner = [part["content"] for part in parts if isinstance(part.get("content"), list)]
    return parts + [part for content in inner for part in content]


def system_of(body: Body) -> Any:
    return body.get("system") or next(
        (each["content"] for each in body["messages"] if each["role"] == "system"), None
    )
