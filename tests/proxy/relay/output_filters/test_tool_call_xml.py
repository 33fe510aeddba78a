"""What is left of a tool call that nothing recognised loses its tags, not its text."""

import pytest

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.marks import ANYTHING, NAME
from coderouter_proxy.relay.output_filters.tool_call_xml import TOOL_CALL_TAGS
from proxy.relay.output_filters.filtering import Outcome, filtered_anyhow

TAGS: list[OutputFilter] = ["strip_tool_call_xml"]
WRITTEN = [tag.replace(NAME, "tool_call_begin").replace(ANYTHING, '"x"') for tag in TOOL_CALL_TAGS]


@pytest.mark.parametrize("tag", [*WRITTEN, "<｜tool▁calls▁begin｜>", "<|START_ACTION|>", "<|python_tag|>"])  # noqa: RUF001
def test_every_tag_is_removed(tag: str) -> None:
    assert filtered_anyhow(TAGS, f"Hello{tag}, there.{tag}") == Outcome("Hello, there.", (), tuple(TAGS))


def test_what_is_between_tags_stays() -> None:
    text = (
        "I look.\n<tool_call>\n<function=rm>\n<parameter=path>\n/a\n</parameter>\n</function>\n</tool_call>"
    )
    assert filtered_anyhow(TAGS, text).text.split() == ["I", "look.", "/a"]


@pytest.mark.parametrize(
    "text",
    [
        "`<tool_call>` opens it.",
        "```xml\n<tool_call>\n</tool_call>\n```\nThat is it.",
        '"</tool_call>"',
        "<parameter> <function> <invoke> <tools>",
        "Hello.<|im_end|>",
    ],
)
def test_anything_else_stays(text: str) -> None:
    assert filtered_anyhow(TAGS, text) == Outcome(text, (), ())
