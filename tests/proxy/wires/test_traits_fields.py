"""Traits about fields of a request: limits, sampling, tools, and what is refused."""

from dataclasses import replace
from typing import Any

import pytest

from coderouter_proxy.wires import fitting
from support.proxy.fitted_requests import ANY, TOOLS, Body, Wire, fitted, given, said, sent

PLAIN_SCHEMA = {
    "type": "object",
    "properties": {
        "exclusiveMinimum": {"type": "number"},
        "list": {"type": "array", "items": {"anyOf": [{}, {"type": "null"}]}},
    },
    "required": ["exclusiveMinimum"],
}


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 7},
        {"max_completion_tokens": 7},
        {"max_tokens": 5, "max_completion_tokens": 7},
        {"max_tokens": 7, "max_completion_tokens": None},
    ],
)
def test_the_limit_has_the_name_that_the_provider_knows(field: Any, fields: Body) -> None:
    body = sent("openai", "openai", replace(ANY, max_tokens_field=field), fields)
    assert {name: body[name] for name in body if "tokens" in name} == {field: 7}
    translated = sent("openai", "anthropic", replace(ANY, max_tokens_field=field), {})
    assert {name: translated[name] for name in translated if "tokens" in name} == {field: 100}


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
@pytest.mark.parametrize(("limit", "lowered"), [(32_000, 8192), (8192, 8192), (10, 10)])
def test_a_limit_above_the_cap_is_lowered(to: Wire, client: Wire, limit: int, lowered: int) -> None:
    body = sent(to, client, replace(ANY, max_output_tokens=8192), {"max_tokens": limit})
    assert body["max_tokens"] == lowered


def test_a_cap_sets_no_limit_where_the_client_has_none() -> None:
    assert "max_tokens" not in sent("openai", "openai", replace(ANY, max_output_tokens=5), {})


@pytest.mark.parametrize(
    ("cap", "thinking", "drops"),
    [(8192, {"type": "enabled", "budget_tokens": 8191}, []), (1000, None, ["thinking"])],
)
def test_the_budget_of_thinking_stays_below_the_lowered_limit(
    cap: int, thinking: Body | None, drops: list[str]
) -> None:
    fields = {"max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": 31_999}}
    body = sent("anthropic", "anthropic", replace(ANY, max_output_tokens=cap), fields, drops)
    assert body.get("thinking") == thinking


@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_refused_fields_are_left_out_and_reported_where_they_mean_something(to: Wire) -> None:
    traits = replace(ANY, refused_fields=("store", "service_tier", "nothing"))
    body = sent(to, to, traits, {"store": False, "service_tier": "priority"}, ["service_tier"])
    assert {"store", "service_tier"}.isdisjoint(body)


def test_refused_fields_are_left_out_of_chat_messages_and_their_calls() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "Read", "arguments": "{}"}}
    made = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "c", "content": "ok"}
    thoughtful = {**made, "reasoning": "Hm.", "tool_calls": [{**call, "extra_content": {"google": {}}}]}
    traits = replace(ANY, refused_fields=("reasoning", "extra_content", "role", "id"))
    body = given("openai", messages=[said("user", "Hi"), thoughtful, result])
    assert fitted("openai", body, traits)["messages"] == [said("user", "Hi"), made, result]


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_top_p_is_left_out_beside_temperature(to: Wire, client: Wire) -> None:
    traits = replace(ANY, temperature_with_top_p=False)
    both = {"temperature": 0.5, "top_p": 0.9}
    assert "top_p" not in sent(to, client, traits, both, ["top_p"])
    assert sent(to, client, traits, {"top_p": 0.9})["top_p"] == 0.9
    assert sent(to, client, ANY, both)["top_p"] == 0.9


FORCED: dict[Wire, list[object]] = {
    "openai": ["required", {"type": "function", "function": {"name": "Read"}}],
    "anthropic": [{"type": "any"}, {"type": "tool", "name": "Read"}],
}


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
@pytest.mark.parametrize("which", [0, 1])
def test_a_forced_tool_choice_becomes_a_free_one(to: Wire, client: Wire, which: int) -> None:
    fields = {"tools": TOOLS[client], "tool_choice": FORCED[client][which]}
    body = sent(to, client, replace(ANY, forced_tool_choice=False), fields, ["tool_choice"])
    assert body["tool_choice"] == ("auto" if to == "openai" else {"type": "auto"})
    assert sent(to, client, ANY, fields)["tool_choice"] == FORCED[to][which]


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_refused_keywords_are_taken_out_of_schemas_but_not_names_of_properties(
    to: Wire, client: Wire
) -> None:
    traits = replace(ANY, refused_schema_keywords=("exclusiveMinimum", "$schema"))
    [tool] = sent(to, client, traits, {"tools": TOOLS[client]})["tools"]
    assert (tool["function"]["parameters"] if to == "openai" else tool["input_schema"]) == PLAIN_SCHEMA


def test_a_schema_nested_too_deeply_to_be_sent_is_left_alone() -> None:
    schema: Body = {}
    for _ in range(2000):
        schema = {"items": schema}
    assert fitting.without_keywords(schema, {"const"}) is schema
