"""How long text is held back while it may still become a tool call."""

import pytest

from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX
from coderouter_proxy.relay.tool_calls.repair import Repairer
from coderouter_proxy.relay.tool_calls.syntaxes import SYNTAXES
from proxy.relay.tool_calls.samples import NAMES, READ, read


@pytest.mark.parametrize(
    "chunk", ["The", " quick", " fox.", "\n", "\n\n- ", "  ", " a < b ", "{x}", "[1] ", "`c`", "}"]
)
def test_prose_is_released_at_once(chunk: str) -> None:
    repairer = Repairer(NAMES)
    repairer.feed("x")
    assert repairer.feed(chunk) == [chunk]


@pytest.mark.parametrize("opener", [*SYNTAXES, "\n```", "\n  ```", "\n[", "\n{"])
def test_only_the_possible_start_of_an_opener_is_held_back(opener: str) -> None:
    for size in range(1, len(opener)):
        begun = opener[:size]
        line_start, held = begun[: size - len(begun.lstrip())], begun.lstrip()
        repairer = Repairer(NAMES)
        assert "".join(map(str, repairer.feed(f"so {begun}"))) == f"so {line_start}"
        assert "".join(map(str, repairer.feed("~"))) == f"{held}~"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ x",
        '{"title":',
        '{"name": "rm"',
        '{"name": 1',
        '{"type": "object", "properties":',
        '{"function": {"name": "rm"',
        "[1",
        "[ x",
        '[{"x":',
        f"[{READ}, 1",
        "<tool_call>x ",
        "<tool_call><tools> x ",
        "<function=rm>",
        "<function=a\n",
        "<function=read> x",
        "<|python_tag|>print(",
        "[TOOL_CALLS]rm{",
        "```python\n",
        "```python\nx = 1\n{",
        "```json\n{}",
        '```json\n{\n"title"',
        "```\nls ",
        "```x``` ",
    ],
)
def test_text_is_released_as_soon_as_it_cannot_be_a_call(text: str) -> None:
    repairer = Repairer(NAMES)
    passed = [item for char in text for item in repairer.feed(char)]
    assert "".join(map(str, passed)) == text


def test_the_rest_of_a_released_object_is_released_at_once() -> None:
    repairer = Repairer(NAMES)
    assert repairer.feed('{"items":') == ['{"items":']
    for chunk in (
        ' ["a',
        "\n",
        "{",
        '", ',
        '"<tool_',
        'call>", ',
        "[",
        "1],",
        '\n{"name"',
        ': "read"}',
        "\n]",
        "}",
    ):
        assert repairer.feed(chunk) == [chunk]


def test_a_call_is_returned_before_its_closer_arrives() -> None:
    repairer = Repairer(NAMES)
    assert repairer.feed(f"<tool_call>\n{READ[:-1]}") == []
    assert repairer.feed(READ[-1]) == [read]
    assert repairer.feed("\n</tool_") == []
    assert repairer.feed("call>\nDone.") == ["Done."]


def test_a_call_longer_than_the_bound_is_released_and_stays_text() -> None:
    text = '{"name": "write", "arguments": {"text": "' + "x" * HELD_CHARS_MAX
    repairer = Repairer(NAMES)
    assert repairer.feed(text) == [text]
    assert repairer.feed('\n{"name"') == ['\n{"name"']
    assert repairer.feed(f'"}}}}\n{READ}') == ['"}}\n', read]
