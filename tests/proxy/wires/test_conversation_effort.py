"""The effort of a request, in the form of its own."""

from typing import Any

import pytest

from coderouter_proxy.wires.anthropic import request_reader as anthropic
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai import request_reader as openai
from coderouter_proxy.wires.openai.request_writer import VOCABULARY

Body = dict[str, Any]

MESSAGES: list[Body] = [{"role": "user", "content": "hi"}]


def enabled(budget: object) -> Body:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, "none"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max"),
        ({**enabled(31999), "output_config": {"effort": "low"}}, "low"),
        (enabled(1024), "low"),
        (enabled(8192), "medium"),
        (enabled(8193), "high"),
        (enabled("many"), None),
        ({"output_config": {"effort": ["high"]}}, None),
    ],
)
def test_effort_of_messages(fields: Body, effort: str | None) -> None:
    assert anthropic.read({"messages": MESSAGES, **fields}).effort == effort


@pytest.mark.parametrize(
    ("given", "effort"), [("high", "high"), ("none", "none"), ("", None), (3, None), (None, None)]
)
def test_effort_of_chat_completions(given: object, effort: str | None) -> None:
    assert openai.read({"messages": MESSAGES, "reasoning_effort": given}).effort == effort


def test_the_fields_that_say_it_are_lost_unless_the_provider_gets_it() -> None:
    fields = {**enabled(4096), "output_config": {"effort": "high"}}
    conversation = anthropic.read({"messages": MESSAGES, **fields})
    assert losses(conversation, VOCABULARY) == ("thinking", "effort")
    assert losses(conversation, VOCABULARY, takes_effort=True) == ()
