# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""Where a text is cut into pieces makes no difference, and neither does what it contains."""

import time
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes import CLOSERS, SYNTAXES
from proxy.relay.tool_calls.samples import ALL, NAMES, READ, SAMPLES, UNKNOWN, WRITE, fed, joined, repaired

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_cutting_a_text_in_two_makes_no_difference(text: str) -> None:
    whole = repaired(text)
    for cut in range(min(len(text), 400)):
        assert repaired(text[:cut], text[cut:]) == whole, cut
    assert repaired(*text) == whole


FRAGMENTS = (
    *SYNTAXES, *CLOSERS, *SAMPLES["function with parameters"][0].split("\n"), READ, WRITE, UNKNOWN,
    READ[:20], READ[20:],
    "```", "```json", "```python", "```<", "`", "[", "]", "{", "}", '"', ",", ";", ":", "\\", "\n", "\n", " ", "read",
    "function<｜tool▁sep｜>", "[ARGS]", '{"a": 1}', '{"name":', '"read"', '"arguments"', "prose", "<",
    "é", "\U0001f600",
)  # fmt: skip

texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12).map("".join)


@given(texts, st.data())
def test_no_chunking_makes_a_difference(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    chunks = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    repairer = Repairer(NAMES)
    items = list(fed(repairer, *chunks))
    assert joined(items) == repaired(text) == repaired(*text)
    assert "" not in items
    if not repairer.count:
        assert "".join(map(str, items)) == text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "function", "arguments", "args", "type", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(
    json_values, st.sampled_from(["{}", "<tool_call>{}</tool_call>", "```json\n{}\n```", "<function=read>{}"])
)
def test_the_arguments_are_an_object_whatever_the_json(value: object, around: str) -> None:
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return
    for item in repaired(around.replace("{}", text)):
        if isinstance(item, TextualCall):
            assert item.name in NAMES
            assert isinstance(orjson.loads(item.arguments), dict)


@pytest.mark.parametrize("around", ["%s", "so\n```json\n%s\n```", "<tool_call>%s</tool_call>", "[%s]"])
def test_the_bound_is_the_same_in_one_piece_and_in_many(around: str) -> None:
    seen = set()
    for size in range(HELD_CHARS_MAX - 90, HELD_CHARS_MAX, 5):
        text = around % f'{{"name": "write", "arguments": {{"text": "{"x" * size}"}}}}' + f"\n{READ}"
        whole = repaired(text)
        assert repaired(text[: size - 100], *text[size - 100 :]) == whole
        seen.add(sum(isinstance(item, TextualCall) for item in whole))
    assert seen == {1, 2}


@pytest.mark.parametrize("text", ['"\\"' * 3, "x" * 5, "<b>\n", '[{"', "é\U0001f600x\n"])
@pytest.mark.parametrize("around", [READ[:-6], "<function=read><parameter=path>", "", "\n```json\n", "```\n"])
def test_long_text_in_small_pieces_is_read_in_linear_time(around: str, text: str) -> None:
    repairer = Repairer(NAMES)
    repairer.feed(around)
    started = time.process_time()
    for _ in range(20_000):
        repairer.feed(text)
    repairer.end()
    assert time.process_time() - started < 2
