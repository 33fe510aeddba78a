"""The arguments of tool calls, in pieces."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.wires.json_text import JsonText
from support.growth import GROWTH_MAX, growth_in_cpu_time

texts = st.text('ab"\\{}[]:,é', max_size=6)
values = st.recursive(
    texts | st.integers(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner)
)
names = texts.filter(lambda name: not name.startswith("{"))
"""After `{"`, a piece that begins with `{"` could be the name of a parameter; it is taken for a repetition."""
objects = st.dictionaries(names, values, max_size=3)


def text_of(*pieces: str) -> JsonText:
    text = JsonText()
    for piece in pieces:
        text.add(piece)
    return text


@given(objects, st.data())
def test_an_object_is_complete_at_its_end_and_not_before(
    given_object: dict[str, object], data: st.DataObject
) -> None:
    written = json.dumps(given_object, ensure_ascii=data.draw(st.booleans()))
    places = sorted(data.draw(st.sets(st.integers(0, len(written)))) | {0, len(written)})
    text = JsonText()
    for start, end in pairwise(places):
        assert not text.is_complete()
        text.add(written[start:end])
    assert text.is_complete()
    assert text.take() == written


def test_what_repeats_all_of_an_object_adds_only_its_end() -> None:
    text = text_of('{"a', '{"a":1', '{"a":1}', '{"a":1}')
    assert text.take() == '{"a":1}'
    assert text_of("1", "11", "1").take() == "1111"
    assert text_of('{"a":"', '{"a').take() == '{"a":"{"a'


@given(st.lists(st.sampled_from(['a\n":"', "\t", "\\", "\\n", '"', "x", ',"b":"', '"\n}']), max_size=8))
def test_control_characters_in_strings_are_escaped_however_they_are_cut(pieces: list[str]) -> None:
    written = "".join(["{", *pieces])
    assert text_of("{", *pieces).take() == text_of(*written).take()


def test_control_characters_outside_of_strings_stay() -> None:
    assert text_of('{\n"a": "b', "\nc\t", '"\n}').take() == '{\n"a": "b\\nc\\t"\n}'


@pytest.mark.parametrize("text", ['"a plain string"', '"{broken', "nulls", "[1]"])
def test_what_is_no_object_stays_as_it_is(text: str) -> None:
    assert text_of(*text).take() == ("" if text == '"{broken' else text)


def test_only_what_is_new_is_taken() -> None:
    text = text_of("", "{", '"a"')
    assert (text.take(), text.take()) == ('{"a"', "")
    text.add(":1}")
    assert text.take() == ":1}"


@pytest.mark.long
@pytest.mark.parametrize("unit", ['{"a":', "}", '"', "\\", "x"])
def test_the_time_is_linear_in_what_is_added(unit: str) -> None:
    def add_each(pieces: list[str]) -> None:
        text = text_of("{")
        for piece in pieces:
            text.add(piece)
            text.is_complete()
            text.take()

    assert growth_in_cpu_time(add_each, lambda count: [unit] * count, 10_000) <= GROWTH_MAX
