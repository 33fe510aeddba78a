"""Agents are recognised by their User-Agent, as it was seen in requests of each; anything else is `other`."""

from typing import get_args

import pytest

from coderouter_events.closed_sets import Agent
from coderouter_proxy.senders import agents

SEEN: list[tuple[str, str]] = [
    ("claude-cli/2.1.332 (external, sdk-cli)", "claude-code"),
    ("claude-code/2.1.332", "claude-code"),
    ("codex_exec/0.169.0 (Debian 12.0.0; x86_64) unknown (codex_exec; 0.169.0)", "codex"),
    ("codex_cli_rs/0.38.0 (Ubuntu 24.4.0; x86_64) WindowsTerminal", "codex"),
    ("opencode/1.18.33 ai-sdk/provider-utils/4.0.46 runtime/bun/1.3.14", "opencode"),
    ("Kilo-Code/7.7.7 ai-sdk/provider-utils/4.0.27 runtime/bun/1.3.14", "kilo"),
    ("QwenCode/0.24.4 (linux; x64)", "qwen-code"),
    ("claude-cli/0.24.4 (external, cli)", "qwen-code"),
    ("GeminiCLI-tui/0.61.0/gemini-2.5-pro (linux; x64; terminal)", "gemini-cli"),
    ("Cline/3.51.0", "cline"),
    ("RooCode/3.54.0", "roo-code"),
    ("Charm-Crush/v0.97.1 (https://charm.land/crush)", "crush"),
    ("factory-cli/0.232.0", "droid"),
    ("Zed/0.219.4+stable.119.abc123 (macos; aarch64)", "zed"),
    ("Agents/Python 0.24.0", "openai-agents"),
    ("pydantic-ai/2.68.0", "pydantic-ai"),
    ("langchain-anthropic/1.7.10", "langchain"),
    ("litellm/1.110.2", "litellm"),
    ("ai/6.0.326 ai-sdk/provider-utils/4.0.66 runtime/node.js/22", "ai-sdk"),
    ("ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13", "ai-sdk"),
    ("OpenAI/Python 3.57.0", "openai-sdk"),
    ("AsyncOpenAI/Python 3.57.0", "openai-sdk"),
    ("Anthropic/JS 0.91.1", "anthropic-sdk"),
    ("AsyncAnthropic/Python 2.13.0", "anthropic-sdk"),
    ("curl/8.7.1", "other"),
    ("my-claude-cli/2.0", "other"),
    ("", "other"),
    ("\xff" * 100_000, "other"),
]


@pytest.mark.parametrize(("user_agent", "agent"), SEEN, ids=[text[:20] for text, _ in SEEN])
def test_an_agent_is_recognised_by_the_beginning_of_its_user_agent(user_agent: str, agent: str) -> None:
    headers = {b"user-agent": user_agent.encode("latin-1")}
    assert agents.of(headers) == agent
    assert agents.of({b"user-agent": user_agent.upper().encode("latin-1", "ignore")}) == agent


def test_a_request_without_the_header_is_of_another_agent() -> None:
    assert agents.of({}) == "other"


def test_copilot_is_recognised_by_a_header_beside_that_of_its_sdk() -> None:
    initiator = {b"x-initiator": b"agent"}
    assert agents.of({b"user-agent": b"Anthropic/JS 0.94.0", **initiator}) == "copilot"
    assert agents.of({b"user-agent": b"OpenAI/JS 5.20.1", **initiator}) == "copilot"
    assert agents.of({b"user-agent": b"opencode/1.18.33", **initiator}) == "opencode"


def test_each_agent_of_the_closed_set_is_recognised() -> None:
    assert {agent for _, agent in SEEN} | {"copilot"} == set(get_args(Agent))
