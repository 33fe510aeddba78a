"""Turns in any order become turns that both APIs accept, with nothing lost on the way."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coderouter_proxy.wires.conversation import Call, Media, Part, Result, Role, Text, Thinking, Turn
from coderouter_proxy.wires.sequence import CONTINUED, NO_RESULT, STRAY_RESULT, mended

pytestmark = pytest.mark.slow

ANY_LOAD = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PARTS: dict[str, Part] = {
    "image": Media("image", url="https://example.org/a.png"),
    "thinking": Thinking("Hm."),
    "empty": Text(""),
    "blank": Text(" \n"),
}
roles: st.SearchStrategy[Role] = st.sampled_from(("user", "assistant", "system"))
ADDED = {CONTINUED, NO_RESULT, STRAY_RESULT}


@st.composite
def turns(draw: st.DrawFn) -> list[Turn]:
    """Return turns of any order, in which each text and each call is another one."""
    found: list[Turn] = []
    known = ["none"]  # ids of calls so far, the newest last
    for number in range(draw(st.integers(0, 8))):
        role = draw(roles)
        kinds = ["text", "result", *PARTS, *(["call"] * 3 if role == "assistant" else ["result"])]
        parts: list[Part] = []
        for place, kind in enumerate(draw(st.lists(st.sampled_from(kinds), max_size=4))):
            key = f"{number}.{place}"
            if kind == "text":
                parts.append(Text(f"text {key}"))
            elif kind == "call":
                parts.append(Call(key, "ls", "{}"))
                known.append(key)
            elif kind == "result":
                call_id = draw(st.sampled_from([*known[-3:], f"{number + 1}.0"]))
                result_parts = (Text(f"result {key}"), PARTS["image"])
                parts.append(Result(call_id, result_parts, is_error=draw(st.booleans())))
            else:
                parts.append(PARTS[kind])
        found.append(Turn(role, tuple(parts)))
    return found


@given(given_turns=turns())
@ANY_LOAD
def test_a_second_time_changes_nothing(given_turns: list[Turn]) -> None:
    once = mended(given_turns)
    assert mended(once) == once


@given(given_turns=turns())
@ANY_LOAD
def test_every_call_has_one_result_in_the_turn_behind_it_and_every_result_a_call(
    given_turns: list[Turn],
) -> None:
    called: list[str] = []
    for turn in [*mended(given_turns), Turn("user", ())]:
        answered = [part.call_id for part in turn.parts if isinstance(part, Result)]
        assert answered == called
        assert all(isinstance(part, Result) for part in turn.parts[: len(called)])
        assert not called or turn.role == "user"
        called = [part.id for part in turn.parts if isinstance(part, Call)]


@given(given_turns=turns())
@ANY_LOAD
def test_neighbours_have_different_roles_and_nothing_is_empty(given_turns: list[Turn]) -> None:
    sound = mended(given_turns)
    assert all(first.role != second.role or first.role == "system" for first, second in pairwise(sound))
    assert all(turn.parts for turn in sound)
    assert all(text.strip() for text in said(sound))


@given(given_turns=turns())
@ANY_LOAD
def test_nothing_is_lost_and_nothing_is_said_twice(given_turns: list[Turn]) -> None:
    sound = [without_paragraphs(turn) for turn in mended(given_turns)]
    before = Counter(text for text in all_texts(given_turns) if text.strip())
    assert Counter(text for text in all_texts(sound) if text not in ADDED) == before
    # What is not part of a result stays in its order; a result may move to its call.
    words = [text for text in said(given_turns) if text.strip()]
    assert [text for text in said(sound) if text in words] == words
    assert calls(sound) == calls(given_turns)
    assert media(sound) == media(given_turns)


@given(given_turns=turns())
@ANY_LOAD
def test_a_result_behind_its_call_is_the_result_of_the_call(given_turns: list[Turn]) -> None:
    expected: dict[str, Result] = {}
    called: set[str] = set()
    full = [
        turn
        for turn in given_turns
        if turn.role == "user" or any(part not in (PARTS["empty"], PARTS["blank"]) for part in turn.parts)
    ]
    for _, run in groupby(full, lambda turn: turn.role):
        parts = list(flat(run))
        for part in parts:
            if isinstance(part, Result) and part.call_id in called:
                expected.setdefault(part.call_id, part)
        called |= {part.id for part in parts if isinstance(part, Call)}
    results = {part.call_id: part for part in flat(mended(given_turns)) if isinstance(part, Result)}
    assert {call_id: results[call_id] for call_id in expected} == expected
    for call_id in results.keys() - expected.keys():
        assert results[call_id] == Result(call_id, (Text(NO_RESULT),), is_error=True)


def without_paragraphs(turn: Turn) -> Turn:
    """Return the turn with each text as it was before it became a paragraph of a longer turn."""
    parts = (
        replace(part, text=part.text.removeprefix("\n\n")) if isinstance(part, Text) else part
        for part in turn.parts
    )
    return Turn(turn.role, tuple(parts))


def flat(given_turns: Iterable[Turn]) -> Iterator[Part]:
    return (part for turn in given_turns for part in turn.parts)


def said(given_turns: Iterable[Turn]) -> list[str]:
    """Return the texts that are no part of a result."""
    return [part.text for part in flat(given_turns) if isinstance(part, Text)]


def all_texts(given_turns: Iterable[Turn]) -> Iterator[str]:
    for part in flat(given_turns):
        inner = part.parts if isinstance(part, Result) else (part,)
        yield from (each.text for each in inner if isinstance(each, Text))


def calls(given_turns: Iterable[Turn]) -> list[Call]:
    return [part for part in flat(given_turns) if isinstance(part, Call)]


def media(given_turns: Iterable[Turn]) -> int:
    """Return how many images there are, also in results."""
    return sum(
        isinstance(each, Media)
        for part in flat(given_turns)
        for each in (part.parts if isinstance(part, Result) else (part,))
    )


@pytest.mark.parametrize("count", [1, 2])
def test_calls_of_one_id_get_their_results_in_order(count: int) -> None:
    """Some local servers give each call of an answer the same id, or none."""
    calls_of_one_id = Turn("assistant", (Call("", "ls", "{}"), Call("", "pwd", "{}")))
    results = tuple(Result("", (Text(f"result {number}"),)) for number in range(count))
    once = mended([calls_of_one_id, Turn("user", results)])
    none = Result("", (Text(NO_RESULT),), is_error=True)
    assert once == (calls_of_one_id, Turn("user", (*results, none)[:2]))
    assert mended(once) == once


def test_empty_texts_in_results_are_gone() -> None:
    call = Turn("assistant", (Call("call_1", "ls", "{}"),))
    sound, given_result = (
        Turn("user", (Result("call_1", tuple(map(Text, texts))),)) for texts in (["ok"], ["", "ok", " \n"])
    )
    assert mended([call, given_result]) == (call, sound)
