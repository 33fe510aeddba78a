"""Reasoning and the finish_reason of servers with their own names and habits, for clients of Chat Completions."""

from dataclasses import replace
from typing import Any

import pytest

from coderouter_proxy.relay.choose import choose
from support.proxy import openai_answers as says
from support.proxy.client_view import event_data
from support.proxy.drive_relay import POLICY, PROVIDER_WIRES, fed, request_of

ALLOWED = replace(POLICY, reasoning_passthrough=True)
NAMES: dict[str, dict[str, Any]] = {
    "Copilot's": {"reasoning_text": "Hm."},
    "Ollama's": {"thinking": "Hm."},
    "OpenRouter's": {"reasoning_details": [{"type": "reasoning.text", "text": "Hm."}]},
}


def deltas(*chunks: bytes) -> list[dict[str, Any]]:
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "?"}]}
    raw = fed(choose(PROVIDER_WIRES["openai"], request_of("openai", body), ALLOWED), chunks)
    return [choice for event in event_data(raw) if event != "[DONE]" for choice in event["choices"]]


@pytest.mark.parametrize("named", NAMES.values(), ids=NAMES)
def test_reasoning_under_another_name_is_reasoning_content(named: dict[str, Any]) -> None:
    thoughts = [says.chunk(named), says.chunk(named)]
    choices = deltas(says.ROLE, *thoughts, says.text("Hi"), says.STOP, says.DONE)
    said = [choice["delta"].get("reasoning_content", "") for choice in choices]
    assert "".join(said) == "Hm.Hm."


def test_reasoning_that_has_its_usual_name_is_not_repeated() -> None:
    both = says.chunk({"reasoning": "Hm.", **NAMES["OpenRouter's"]})
    choices = deltas(says.ROLE, both, says.STOP, says.DONE)
    assert not any("reasoning_content" in choice["delta"] for choice in choices)


def test_a_stop_behind_the_reason_is_not_passed_on() -> None:
    choices = deltas(says.ROLE, says.text("Hi"), says.chunk({}, "length"), says.STOP, says.DONE)
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["length"]
