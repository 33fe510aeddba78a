"""How long text is held back while it may still become a tool call."""

import pytest

from coderouter_proxy.relay.tool_calls.lookahead import HELD_CHARS_MAX
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes.table import MARKS
from proxy.relay.tool_calls.samples import READ, TOOLS, read


def passed(repairer: Repairer, text: str) -> str:
    """Return what is certain after a text that arrives character by character."""
    return "".join(str(item) for char in text for item in repairer.feed(char))


@pytest.mark.parametrize(
    "chunk", ["The", " quick", " fox.", "\n", "\n\n- ", "  ", " a < b ", "{x}", "[1] ", "}", "</b>"]
)
def test_prose_is_released_at_once(chunk: str) -> None:
    repairer = Repairer(TOOLS)
    repairer.feed("x")
    assert repairer.feed(chunk) == [chunk]


@pytest.mark.parametrize("opener", [*(mark.opener for mark in MARKS), "\n<tool_call>", "\n```", "\n[", "\n{"])
def test_only_the_possible_start_of_an_opener_is_held_back(opener: str) -> None:
    for size in range(1, len(opener)):
        begun = opener[:size]
        line_start, held = begun[: size - len(begun.lstrip())], begun.lstrip()
        repairer = Repairer(TOOLS)
        assert "".join(map(str, repairer.feed(f"so {begun}"))) == f"so {line_start}"
        assert passed(repairer, "\u2026 and so on") == f"{held}\u2026 and so on"


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "{ x",
        '{"title":',
        '{"name": "rm"',
        '{"name": 1',
        '{"properties":',
        "[1",
        "[ x",
        '[{"x":',
        "<tool_call>x ",
        "<tool_call><tools> x ",
        "<function=rm>",
        "<function=a\n",
        "<function=read> x",
        "<|python_tag|>print(x",
        "[TOOL_CALLS]rm{",
        "```python\n",
        "```python\nx = 1\n{",
        '```json\n{\n"title"',
        "```\nls ",
        "```x``` ",
        "Action: none ",
    ],
)
def test_text_is_released_soon_after_it_cannot_be_a_call(text: str) -> None:
    more = " and so on"[: len(text) // 8 + 4]
    repairer = Repairer(TOOLS)
    assert passed(repairer, text + more) == text + more


def test_the_rest_of_a_released_object_is_released_at_once() -> None:
    repairer = Repairer(TOOLS)
    assert repairer.feed('{"items": ') == ['{"items": ']
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


def test_a_call_is_returned_as_soon_as_it_is_clear_what_follows() -> None:
    repairer = Repairer(TOOLS)
    assert repairer.feed(f"<tool_call>\n{READ}\n</tool_call>") == []
    assert repairer.feed("\n") == []
    assert repairer.feed("Done. I have looked.") == [read, "Done. I have looked."]


def test_what_is_held_is_read_again_only_when_it_has_grown() -> None:
    repairer = Repairer(TOOLS)
    repairer.feed('<tool_call>{"name": "write", "arguments": {"text": "' + "x" * 800)
    assert repairer.feed('"}}</tool_call>\nDone.') == []
    [call, text] = repairer.feed("." * 100)
    assert isinstance(call, TextualCall)
    assert text == "Done." + "." * 100


def test_a_call_longer_than_the_bound_is_released_and_stays_text() -> None:
    text = '{"name": "write", "arguments": {"text": "' + "x" * HELD_CHARS_MAX
    repairer = Repairer(TOOLS)
    assert repairer.feed(text) == [text]
    assert "".join(map(str, [*repairer.feed(f'"}}}}\n{READ}'), *repairer.end()])) == f'"}}}}\n{read}'
