"""The text of a custom tool's call, live and at the end."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.wires.responses.custom_input import LiveInput, custom_input
from support.growth import GROWTH_MAX, growth_in_calls

texts = st.text(alphabet='a\\"\n\x00/uédn{}:,𝄞\U0001f600', max_size=20)


def fed(pieces: Iterable[str]) -> str:
    live = LiveInput()
    return "".join(map(live.feed, pieces))


@given(text=texts, ascii_only=st.booleans(), sizes=st.lists(st.integers(1, 7), min_size=1))
def test_the_text_arrives_however_its_json_is_cut(text: str, ascii_only: bool, sizes: list[int]) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    pieces: list[str] = []
    while arguments:
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(arguments[:size])
        arguments = arguments[size:]
    assert fed(pieces) == text
    assert custom_input("".join(pieces)) == text


def test_text_is_there_before_its_end() -> None:
    assert fed(['{"input": "*** Begin', " Patch\\n+a"]) == "*** Begin Patch\n+a"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input": "x", "more": 1}', "x"),
        ('{"code": "x"}', "x"),
        ('"x"', "x"),
        ('{"input": "a\nb"}', "a\nb"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"input": ["x"]}', '{"input": ["x"]}'),
        ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
        ('{"input": "\\ud800"}', '{"input": "\\ud800"}'),
        ("[" * 100_000, "[" * 100_000),
        ("", ""),
    ],
)
def test_arguments_of_another_form(arguments: str, text: str) -> None:
    assert custom_input(arguments) == text


def test_nothing_is_decoded_live_that_is_not_the_usual_form() -> None:
    assert fed(['{"code": "', "x" * 100, '"}']) == ""
    assert fed(["x" * 1000, '{"input": "y"}']) == ""
    assert fed(['{"input": "a\nb', "c"]) == ""


@pytest.mark.parametrize("piece", ["a", "\\\\", '\\"', "\\", "é"])
def test_work_grows_with_the_text(piece: str) -> None:
    assert growth_in_calls(
        lambda pieces: fed(['{"input": "', *pieces]), lambda size: [piece] * size, 500
    ) <= (GROWTH_MAX)
