"""Which texts become tool calls, and with which arguments."""

import pytest

from coderouter_proxy.relay.markup import THINKING, ThinkingTag
from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes.table import ENDS, SYNTAXES, Syntax
from proxy.relay.tool_calls.samples import (
    ALL,
    READ,
    SAMPLES,
    STAYS_TEXT,
    TOOLS,
    WRITE,
    Item,
    fed,
    joined,
    read,
    repaired,
    write,
)


@pytest.mark.parametrize(("text", "expected"), SAMPLES.values(), ids=SAMPLES)
def test_a_call_written_as_text_becomes_one(text: str, expected: list[Item]) -> None:
    repairer = Repairer(TOOLS)
    assert joined(fed(repairer, text)) == joined(expected)
    assert repairer.count == sum(isinstance(item, TextualCall) for item in expected)


@pytest.mark.parametrize("text", STAYS_TEXT.values(), ids=STAYS_TEXT)
def test_anything_else_stays_text_byte_for_byte(text: str) -> None:
    assert "".join(map(str, repaired(text))) == text


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_without_tools_every_text_stays(text: str) -> None:
    assert "".join(map(str, fed(Repairer({}), text))) == text


@pytest.mark.parametrize("syntax", [syntax for syntax in SYNTAXES.values() if not syntax.read], ids=str)
def test_what_opens_and_closes_a_call_disappears_with_it(syntax: Syntax) -> None:
    assert repaired(f"I look.\n{syntax.opener}{READ}{syntax.closer}\nDone.") == ["I look.\n", read, "Done."]


@pytest.mark.parametrize("end", ENDS)
def test_an_end_of_the_turn_disappears_with_a_call(end: str) -> None:
    assert repaired(f"<tool_call>\n{READ}\n</tool_call>{end}\n") == [read]


@pytest.mark.parametrize("tag", THINKING, ids=str)
def test_a_call_in_thinking_is_none(tag: ThinkingTag) -> None:
    thinking = f"{tag.opener}\n<tool_call>\n{READ}\n</tool_call>\n{tag.closers[0]}"
    assert repaired(f"{thinking}\n{WRITE}") == [f"{thinking}\n", write]
    assert repaired(f"{tag.closers[0]}{WRITE}") == [tag.closers[0], write]  # the template has the opener


def test_names_match_exactly_but_for_namespace_and_number() -> None:
    for name in ("functions.read", "default_api.read", "read:0", "functions.read:12"):
        assert repaired(f"<tool_call>{READ.replace('read', name)}</tool_call>") == [read], name
    for name in ("Read", "reads", "rea", "x.read", "read:", "read:x"):
        text = f"<tool_call>{READ.replace('read', name)}</tool_call>"
        assert repaired(text) == [text], name
