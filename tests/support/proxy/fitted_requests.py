"""Requests for providers with given traits, and what the providers get."""

from typing import Any, Literal

from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.anthropic import fit as anthropic_fit
from coderouter_proxy.wires.anthropic.provider import AnthropicProvider
from coderouter_proxy.wires.openai import fit as openai_fit
from coderouter_proxy.wires.openai.provider import OpenAIProvider

Body = dict[str, Any]
Wire = Literal["openai", "anthropic"]
WIRES = {"openai": OpenAIProvider(), "anthropic": AnthropicProvider()}
KINDS = {"openai": "openai_compat", "anthropic": "anthropic"}
HOSTS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
PROFILE = Profile(name="default", providers=["p"])
# Traits that change nothing.
ANY = ProviderTraits(system_text="anywhere", alternating=False)
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
}
PNG_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
PDF_PART = {
    "type": "file",
    "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "exclusiveMinimum": {"type": "number", "exclusiveMinimum": 0},
        "list": {"type": "array", "items": {"anyOf": [{"exclusiveMinimum": 1}, {"type": "null"}]}},
    },
    "required": ["exclusiveMinimum"],
}


def text(words: str) -> Body:
    return {"type": "text", "text": words}


def said(role: str, content: object, **more: object) -> Body:
    return {"role": role, "content": content, **more}


def call(call_id: str) -> Body:
    return {"id": call_id, "type": "function", "function": {"name": "Read", "arguments": "{}"}}


def use(call_id: str) -> Body:
    return {"type": "tool_use", "id": call_id, "name": "Read", "input": {}}


def result(call_id: str, content: object = "data") -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def given(client: Wire, **fields: Any) -> Body:
    usual: Body = {"model": "m", "messages": [said("user", "Hi")]}
    return {**usual, **({"max_tokens": 100} if client == "anthropic" else {}), **fields}


def sent(
    to: Wire,
    client: Wire,
    traits: ProviderTraits,
    fields: Body,
    drops: list[str] | None = None,
    *,
    base_url: str = "http://127.0.0.1:1/v1",
    **of_provider: Any,
) -> Body:
    """Return the body for the provider, after asserting that it drops exactly `drops`."""
    entry = {"name": "p", "kind": KINDS[to], "base_url": base_url, "model": "own", **of_provider}
    request = ClientRequest(
        request_id="r", ingress=client, body=given(client, **fields), raw=b"", headers={}, stream=False
    )
    lost: list[str] = []
    body = WIRES[to].request(request, Provider.model_validate(entry), PROFILE, traits, lost.append)
    assert lost == (drops or [])
    return body


def fitted(to: Wire, body: Body, traits: ProviderTraits) -> Body:
    fit = openai_fit.fit if to == "openai" else anthropic_fit.fit
    return fit(body, traits, lambda _: None)


MIXED = [
    said("system", "Be brief."),
    said("developer", "Be kind."),
    said("user", "Hi"),
    said("assistant", "Hello."),
    said("system", "Now."),
    said("user", "Go"),
]
HISTORIES: dict[Wire, list[Body]] = {
    "openai": [
        said("user", "hi"),
        said("assistant", None, tool_calls=[call("toolu_01AbCdEfGh"), call("Abc123xyZ")]),
        said("tool", "one", tool_call_id="toolu_01AbCdEfGh"),
        said("tool", "two", tool_call_id="Abc123xyZ"),
    ],
    "anthropic": [
        said("user", "hi"),
        said("assistant", [use("toolu_01AbCdEfGh"), use("Abc123xyZ")]),
        said("user", [result("toolu_01AbCdEfGh"), result("Abc123xyZ")]),
    ],
}
TOOLS: dict[Wire, list[Body]] = {
    "openai": [{"type": "function", "function": {"name": "Read", "parameters": SCHEMA}}],
    "anthropic": [{"name": "Read", "input_schema": SCHEMA}],
}
