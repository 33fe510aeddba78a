"""What the vendor's own API is sent, which tests cannot reach, beside what other servers of its wire are."""

from typing import Any

import pytest

from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.routing.capabilities import load, traits_of
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.openai.provider import OpenAIProvider
from support.proxy import claude_code
from support.proxy.drive_relay import request_of

Body = dict[str, Any]

PROFILE = Profile(name="default", providers=["p"])
RULES = load()
ANTHROPIC = ["https://api.anthropic.com", "https://api.anthropic.com/v1", "https://api.anthropic.com:443/v1"]
OTHERS = [
    "https://api.anthropic.com.example.org",
    "https://example.org/api.anthropic.com",
    "http://127.0.0.1:8080/v1",
    "https://api.z.ai/api/anthropic",
]
BILLING: Body = claude_code.SYSTEM[0]
SYSTEM: list[Body] = claude_code.SYSTEM[1:]
WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search"}
LATER = {"role": "system", "content": "Available skills: none"}


def anthropic(base_url: str, body: Body, lost: list[str] | None = None) -> Body:
    provider = Provider(name="p", kind="anthropic", base_url=base_url, model="m")
    dropped: list[str] = []
    traits = traits_of(provider, RULES)
    sent = AnthropicProvider().request(
        request_of("anthropic", body), provider, PROFILE, traits, dropped.append
    )
    assert dropped == (lost or [])
    return sent


def openai(base_url: str, body: Body, ingress: str = "openai") -> Body:
    provider = Provider(name="p", base_url=base_url, model="m")
    traits = traits_of(provider, RULES)
    return OpenAIProvider().request(request_of(ingress, body), provider, PROFILE, traits, pytest.fail)


def claude_codes_request() -> Body:
    """Return a request with everything that only Anthropic understands."""
    deferred = {**claude_code.tool("SendMail"), "defer_loading": True}
    found = {"type": "tool_reference", "tool_name": "SendMail"}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [found]}]}
    body = claude_code.request(claude_code.ASKED, claude_code.CALLED, result, LATER)
    return {**body, "model": "m", "tools": [*body["tools"], WEB_SEARCH, deferred]}


@pytest.mark.parametrize("base_url", ANTHROPIC)
def test_anthropic_gets_everything_as_the_client_sent_it(base_url: str) -> None:
    body = claude_codes_request()
    assert anthropic(base_url, body) == body


@pytest.mark.parametrize("base_url", OTHERS)
def test_other_servers_of_its_wire_get_what_they_understand(base_url: str) -> None:
    sent = anthropic(base_url, claude_codes_request(), lost=["web_search"])
    assert sent["system"] == SYSTEM
    assert sent["tools"] == [*claude_code.TOOLS, claude_code.tool("SendMail")]
    *_, results = sent["messages"]
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]
    assert results["content"][0]["content"] == [{"type": "text", "text": "Tool SendMail is now available."}]
    assert results["content"][1]["text"] == f"<system>\n{LATER['content']}\n</system>"


@pytest.mark.parametrize(
    "system", [[BILLING, *SYSTEM], [BILLING], [*SYSTEM, BILLING], BILLING["text"]], ids=range(4)
)
def test_the_billing_header_goes_to_anthropic_only(system: object) -> None:
    body = {"model": "m", "messages": [claude_code.ASKED], "system": system}
    assert anthropic(ANTHROPIC[0], body)["system"] == system
    assert "billing" not in str(anthropic(OTHERS[0], body))


def test_a_request_with_nothing_to_change_is_sent_as_it_is() -> None:
    body = {"model": "m", "messages": [claude_code.ASKED], "system": SYSTEM, "tools": claude_code.TOOLS}
    sent = anthropic(OTHERS[0], body)
    assert sent == body
    assert list(sent) == list(body)


def test_openai_gets_roles_as_the_client_sent_them() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "A"},
    ]
    assert openai("https://api.openai.com/v1", {"messages": messages})["messages"] == messages
    [first, second] = openai("https://api.openai.com.example.org/v1", {"messages": messages})["messages"]
    assert first == {"role": "system", "content": "Be brief."}
    assert second == {"role": "user", "content": "hi\n\n<system>\nA\n</system>"}


def test_openai_gets_the_billing_header_of_nobody() -> None:
    system = [BILLING, {"type": "text", "text": "You are a coding agent."}]
    body = {"messages": [{"role": "user", "content": "hi"}], "system": system}
    sent = openai("https://api.openai.com/v1", body, ingress="anthropic")
    assert sent["messages"][0] == {"role": "system", "content": "You are a coding agent."}
