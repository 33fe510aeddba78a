# ruff: noqa: RUF001 (DeepSeek's bars are full-width)
"""Where a text is cut into pieces makes no difference, and neither does what it contains."""

from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.relay.markup import THINKING
from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes.nested import M3
from coderouter_proxy.relay.tool_calls.syntaxes.table import CLOSERS, SYNTAXES
from proxy.relay.tool_calls.samples import ALL, READ, SAMPLES, TOOLS, UNKNOWN, WRITE, fed, joined, repaired

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_cutting_a_text_in_two_makes_no_difference(text: str) -> None:
    whole = repaired(text)
    for cut in range(min(len(text), 400)):
        assert repaired(text[:cut], text[cut:]) == whole, cut
    assert repaired(*text) == whole


FRAGMENTS = (
    *SYNTAXES, *CLOSERS.all, *SAMPLES["function with parameters"][0].split("\n"), READ, WRITE, UNKNOWN,
    *(part for tag in THINKING for part in (tag.opener, *tag.closers)),
    READ[:20], READ[20:], READ.replace('"', "'"),
    "```", "```json", "```python", "```<", "````", "~~~", "`",
    "[", "]", "{", "}", "(", ")", '"', "'", ",", ";", ":", "=",
    "\\", "\n", "\n", "\n", "\n\n", " ", "    ", "> ", "- ", "read", "\nread", "For example:", "Now:",
    "function<｜tool▁sep｜>", "[ARGS]", '{"a": 1}', '{"name":', '"read"', '"arguments"', "prose", "<", "</",
    "[read(path='/a')]", "read(path='/a')", "print(", 'call:read{path:<|"|>/a<|"|>}', "{path:", '<|"|>', "<escape>",
    '<read path="/a"/>', "<read>", "</read>", "<path>", "</path>", '<read path="', '"/>', "'''", "<![CDATA[", "]]>",
    "<tool_call>read\n", "<arg_key>path</arg_key>", "<arg_value>", "</arg_value>", "<arg_key>", "<tool_name>",
    "</tool_name>", "<invoke>", "</invoke>", '<invoke name="read">', '<parameter name="path">', "</parameter>", M3,
    f"{M3}<path>", f"{M3}</path>", f'{M3}<invoke name="read">', '<｜DSML｜invoke name="read">', "</｜DSML｜parameter>",
    '<|open|>call tool="read"<|sep|>', '<|open|>argument key="path" type="string"<|sep|>', "<|close|>argument<|sep|>",
    "read\nAction Input: ", '{"path": "/a"}', "assistant<|channel|>", "commentary to=functions.read ", "<|message|>",
    "functions.read:0<|tool_call_argument_begin|>", "<pre>", "</pre>", "é", "\U0001f600",
)  # fmt: skip

texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12).map("".join)


@given(texts, st.data())
def test_no_chunking_makes_a_difference(text: str, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    chunks = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    repairer = Repairer(TOOLS)
    items = list(fed(repairer, *chunks))
    assert joined(items) == repaired(text) == repaired(*text)
    assert "" not in items
    if not repairer.count:
        assert "".join(map(str, items)) == text


@given(texts, texts)
def test_prose_in_front_is_passed_on_unchanged(before: str, text: str) -> None:
    """What is held and forgotten while a long answer streams changes nothing."""
    prose = "The quick brown fox jumps over the lazy dog.\n" * 300
    whole = repaired(prose + before + text)
    assert joined(repaired(prose, before, text)) == whole
    assert str(whole[0]).startswith(prose[:-1])


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
    json_values,
    st.sampled_from(
        ["{}", "<tool_call>{}</tool_call>", "```json\n{}\n```", "<function=read>{}", "[TOOL_CALLS]read{}"]
    ),
    st.randoms(use_true_random=False),
)
def test_the_arguments_are_an_object_whatever_the_json(value: object, around: str, random: object) -> None:
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return
    for written in (text, text.replace('"', "'"), text.replace("}", ",}"), text[:-1]):
        for item in repaired(around.replace("{}", written)):
            if isinstance(item, TextualCall):
                assert item.name in TOOLS
                assert isinstance(orjson.loads(item.arguments), dict)


@pytest.mark.parametrize("around", ["%s", "Now:\n```json\n%s\n```", "<tool_call>%s</tool_call>", "[%s]"])
def test_the_bound_is_the_same_in_one_piece_and_in_many(around: str) -> None:
    seen = set()
    for size in range(HELD_CHARS_MAX - 150, HELD_CHARS_MAX, 25):
        text = around % f'{{"name": "write", "arguments": {{"text": "{"x" * size}"}}}}' + f"\n{READ}"
        whole = repaired(text)
        assert repaired(text[: size - 100], *text[size - 100 :]) == whole
        seen.add(sum(isinstance(item, TextualCall) for item in whole))
    assert 2 in seen
    assert seen & {0, 1}
