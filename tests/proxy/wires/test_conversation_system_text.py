"""System text in the middle joins the user's words in its place, so that the beginning of a prompt stays as it was."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy.wires.conversation import Call, Conversation, Result, Turn
from coderouter_proxy.wires.openai.others import with_one_system_message
from coderouter_proxy.wires.system_text import SYSTEM_ROLES, settled
from support.proxy.conversations import WIRES, conversations, foreign, read, written

pytestmark = pytest.mark.slow

Message = dict[str, Any]

ANY_LOAD = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
# Of real clients, and what damaged ones may send.
SHAPES = ["text", "text", "parts", "parts", "with an image", "blank", "no text", "nothing", "number"]
A_TEXT = re.compile(r"t\d+\.\d")
A_SYSTEM_TEXT = re.compile(r"<system>.*?</system>")


@st.composite
def messages(draw: st.DrawFn) -> list[Message]:
    """Return messages of any order, in which each text is another one."""
    roles = st.sampled_from(["user", "assistant", "tool", "system", "system", "developer"])
    drawn = draw(st.lists(st.tuples(roles, st.sampled_from(SHAPES)), max_size=9))
    return [{"role": role, "content": content(shape, number)} for number, (role, shape) in enumerate(drawn)]


def content(shape: str, number: int) -> Any:
    first, second = ({"type": "text", "text": f"t{number}.{place}"} for place in range(2))
    return {
        "text": f"t{number}.0",
        "parts": [first, second],
        "with an image": [first, IMAGE],
        "blank": " \n",
        "no text": [{"type": "text", "text": ""}],
        "nothing": None,
        "number": 5,
    }[shape]


def is_system(message: Message) -> bool:
    return message["role"] in SYSTEM_ROLES


def leading_count(given_messages: Sequence[Message]) -> int:
    return next((n for n, each in enumerate(given_messages) if not is_system(each)), len(given_messages))


def in_place(given_messages: Sequence[Message]) -> list[Message]:
    """Return the messages in the order of their texts: no system text is between tool results and their calls.

    Behind a user's message it joins that one; anywhere else it waits for the last result.
    """
    ordered: list[Message] = []
    for may_move, run in groupby(given_messages, key=lambda each: is_system(each) or each["role"] == "tool"):
        messages_of_run = list(run)
        joins_user = bool(ordered) and ordered[-1]["role"] == "user"
        count = leading_count(messages_of_run) if may_move and joins_user else 0
        ordered += messages_of_run[:count]
        ordered += sorted(messages_of_run[count:], key=is_system) if may_move else messages_of_run[count:]
    return ordered


def texts(given_messages: Iterable[Message]) -> list[str]:
    return A_TEXT.findall(json.dumps(list(given_messages)))


@given(given_messages=messages())
@ANY_LOAD
def test_only_the_beginning_has_system_messages(given_messages: list[Message]) -> None:
    leading, others = settled(given_messages)
    count = leading_count(given_messages)
    assert all(new is old for new, old in zip(leading, given_messages[:count], strict=True))
    assert not any(map(is_system, others))


@given(given_messages=messages())
@ANY_LOAD
def test_all_texts_are_still_there_in_their_order_and_only_those_of_the_system_are_marked(
    given_messages: list[Message],
) -> None:
    _, others = settled(given_messages)
    rest = given_messages[leading_count(given_messages) :]
    assert texts(others) == texts(in_place(rest))
    marked = A_SYSTEM_TEXT.findall(json.dumps(others))
    assert A_TEXT.findall("".join(marked)) == texts(filter(is_system, rest))


@given(given_messages=messages())
@ANY_LOAD
def test_messages_without_system_text_beside_them_are_the_same_objects(given_messages: list[Message]) -> None:
    _, others = settled(given_messages)
    rest = in_place(given_messages[leading_count(given_messages) :])
    kept = {id(each) for each in others}
    by_others = [each for each in rest if each["role"] not in ("user", *SYSTEM_ROLES)]
    assert all(id(each) in kept for each in by_others)
    for before, each, behind in zip([None, *rest], rest, [*rest[1:], None], strict=False):
        if each["role"] == "user" and not any(beside and is_system(beside) for beside in (before, behind)):
            assert id(each) in kept
    assert sum(id(each) not in {id(old) for old in rest} for each in others) <= sum(map(is_system, rest))


@given(given_messages=messages())
@ANY_LOAD
def test_a_message_is_added_only_where_no_user_message_is_beside_the_system_text(
    given_messages: list[Message],
) -> None:
    _, others = settled(given_messages)
    rest = in_place(given_messages[leading_count(given_messages) :])
    runs = [list(run) for _, run in groupby(rest, key=is_system)]
    expected: list[str] = []
    for before, run, behind in zip([[], *runs], runs, [*runs[1:], []], strict=False):
        roles = [message["role"] for message in run]
        beside = [message["role"] for message in (*before[-1:], *behind[:1])]
        if not is_system(run[0]):
            expected += roles
        elif "user" not in beside and texts(run):
            expected.append("user")
    assert [message["role"] for message in others] == expected


@given(given_messages=messages())
@ANY_LOAD
def test_each_request_of_a_conversation_begins_with_the_one_before(given_messages: list[Message]) -> None:
    leading, others = settled(given_messages)
    for end in range(1, len(given_messages)):
        if given_messages[end]["role"] == "assistant" != given_messages[end - 1]["role"]:
            earlier_leading, earlier = settled(given_messages[:end])
            assert earlier_leading == leading
            assert others[: len(earlier)] == earlier
            earlier = with_one_system_message(given_messages[:end])
            assert with_one_system_message(given_messages)[: len(earlier)] == earlier


@pytest.mark.parametrize(("wire", "other"), [WIRES, WIRES[::-1]], ids=WIRES)
@given(given_conversation=conversations())
@settings(ANY_LOAD, max_examples=80)
def test_each_request_begins_with_the_one_before_on_another_wire_too(
    wire: str, other: str, given_conversation: Conversation
) -> None:
    conversation = foreign(given_conversation, wire)

    def messages_of_first(count: int) -> list[Message]:
        request = written(replace(conversation, turns=conversation.turns[:count]), wire)
        found: list[Message] = written(read(request, wire), other)["messages"]
        return found

    turns = conversation.turns
    for end in range(1, len(turns)):
        if turns[end].role == "assistant" != turns[end - 1].role and has_all_results(turns, end):
            earlier = messages_of_first(end)
            assert messages_of_first(len(turns))[: len(earlier)] == earlier


def has_all_results(turns: Sequence[Turn], end: int) -> bool:
    """Return whether no result behind this place is for a call before it."""
    calls = {part.id for turn in turns[:end] for part in turn.parts if isinstance(part, Call)}
    results = {part.call_id for turn in turns[end:] for part in turn.parts if isinstance(part, Result)}
    return not calls & results
