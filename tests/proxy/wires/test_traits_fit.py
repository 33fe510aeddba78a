"""What each trait of a provider changes of a request: on both kinds of provider, for clients of both wires."""

import re
from dataclasses import replace
from typing import Any, Literal

import pytest

from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import EFFORTS, Effort, ProviderTraits
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires import fitting
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
PLAIN_SCHEMA = {
    "type": "object",
    "properties": {
        "exclusiveMinimum": {"type": "number"},
        "list": {"type": "array", "items": {"anyOf": [{}, {"type": "null"}]}},
    },
    "required": ["exclusiveMinimum"],
}
NINE = re.compile(r"[A-Za-z0-9]{9}")


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
NOW = text("<system>\nNow.\n</system>")


@pytest.mark.parametrize(
    ("where", "roles"),
    [
        ("anywhere", ["system", "developer", "user", "assistant", "system", "user"]),
        ("first", ["system", "user", "assistant", "user"]),
        ("never", ["user", "assistant", "user"]),
    ],
)
def test_system_text_of_an_openai_client(where: Any, roles: list[str]) -> None:
    traits = replace(ANY, system_text=where)
    body = sent("openai", "openai", traits, {"messages": MIXED})
    assert [message["role"] for message in body["messages"]] == roles
    if where == "first":
        assert body["messages"][0]["content"] == "Be brief.\n\nBe kind."
    if where == "never":
        marked = "<system>\nBe brief.\n</system>\n\n<system>\nBe kind.\n</system>\n\nHi"
        assert body["messages"][0]["content"] == marked
    if where != "anywhere":
        assert body["messages"][-1]["content"] == "<system>\nNow.\n</system>\n\nGo"


@pytest.mark.parametrize("where", ["anywhere", "first", "never"])
def test_system_text_of_an_anthropic_client(where: Any) -> None:
    messages = [said("user", "Hi"), said("system", "Now."), said("assistant", "Hello."), said("user", "Go")]
    body = sent(
        "anthropic", "anthropic", replace(ANY, system_text=where), {"system": "S", "messages": messages}
    )
    first = body["messages"][0]["content"]
    if where == "anywhere":
        assert (body["system"], body["messages"]) == ("S", messages)
    elif where == "first":
        assert (body["system"], first) == ("S", [text("Hi"), NOW])
    else:
        assert "system" not in body
        assert first == [text("<system>\nS\n</system>"), text("Hi"), NOW]


def test_leading_system_messages_become_the_system_prompt_of_an_anthropic_provider() -> None:
    messages = [said("system", "Two."), said("user", "Hi")]
    traits = replace(ANY, system_text="first")
    body = sent("anthropic", "anthropic", traits, {"system": "One.", "messages": messages})
    assert (body["system"], body["messages"]) == ([text("One."), text("Two.")], [said("user", "Hi")])


def test_the_providers_own_system_text_is_settled_like_that_of_the_client() -> None:
    traits = replace(ANY, system_text="never")
    marked = "<system>\nIn French.\n</system>"
    contents = {"openai": f"{marked}\n\nHi", "anthropic": [text(marked), text("Hi")]}
    for client in ("openai", "anthropic"):
        for to in ("openai", "anthropic"):
            body = sent(to, client, traits, {}, append_system_prompt="In French.")
            assert body["messages"] == [said("user", contents[to])]
            assert "system" not in body


@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_a_developer_message_reaches_a_server_that_does_not_know_the_role(to: Wire) -> None:
    body = sent(
        to, "openai", ProviderTraits(), {"messages": [said("developer", "Be brief."), said("user", "Hi")]}
    )
    if to == "openai":
        assert body["messages"] == [said("system", "Be brief."), said("user", "Hi")]
    else:
        assert body["system"] == "Be brief."


@pytest.mark.parametrize(
    ("messages", "merged"),
    [
        ([said("user", "a"), said("user", "b")], [said("user", "a\n\nb")]),
        ([said("user", "a"), said("user", [PNG_PART])], [said("user", [text("a"), PNG_PART])]),
        (
            [said("user", "a"), said("assistant", "b"), said("assistant", None, tool_calls=[call("c")])],
            [said("user", "a"), said("assistant", "b", tool_calls=[call("c")])],
        ),
        (
            [
                said("assistant", None, tool_calls=[call("c")]),
                said("tool", "x", tool_call_id="c"),
                said("user", "d"),
            ],
            None,
        ),
        ([said("tool", "x", tool_call_id="c"), said("tool", "y", tool_call_id="d")], None),
    ],
)
def test_neighbours_of_one_role_are_merged_for_an_openai_provider(
    messages: list[Body], merged: list[Body] | None
) -> None:
    body = sent("openai", "openai", replace(ANY, alternating=True), {"messages": messages})
    assert body["messages"] == (merged or messages)
    assert sent("openai", "openai", ANY, {"messages": messages})["messages"] == messages


def test_neighbours_of_one_role_are_merged_for_an_anthropic_provider() -> None:
    messages = [
        said("user", "a"),
        said("assistant", [use("c")]),
        said("user", "b"),
        said("user", [result("c")]),
    ]
    body = sent("anthropic", "anthropic", replace(ANY, alternating=True), {"messages": messages})
    assert body["messages"] == [*messages[:2], said("user", [result("c"), text("b")])]
    assert sent("anthropic", "anthropic", ANY, {"messages": messages})["messages"] == messages


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


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_ids_of_calls_have_nine_letters_or_digits_and_still_match_their_results(
    to: Wire, client: Wire
) -> None:
    body = sent(to, client, replace(ANY, call_ids="nine"), {"messages": HISTORIES[client]})
    if to == "openai":
        made = [each["id"] for each in body["messages"][1]["tool_calls"]]
        answered = [each["tool_call_id"] for each in body["messages"][2:]]
    else:
        made = [each["id"] for each in body["messages"][1]["content"]]
        answered = [each["tool_use_id"] for each in body["messages"][2]["content"]]
    assert made == answered
    assert all(NINE.fullmatch(each) for each in made)
    assert made[1] == "Abc123xyZ", "an id that fits stays as it is"
    assert made[0] == fitting.nine("toolu_01AbCdEfGh"), "without state"


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


TOOLS: dict[Wire, list[Body]] = {
    "openai": [{"type": "function", "function": {"name": "Read", "parameters": SCHEMA}}],
    "anthropic": [{"name": "Read", "input_schema": SCHEMA}],
}
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


IMAGE, DOCUMENT = text(fitting.IMAGE_PLACEHOLDER), text(fitting.DOCUMENT_PLACEHOLDER)


@pytest.mark.parametrize("to", ["openai", "anthropic"])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_a_text_stands_for_images_and_documents(to: Wire, client: Wire) -> None:
    shown = [PNG, PDF, text("what")] if client == "anthropic" else [PNG_PART, PDF_PART, text("what")]
    fields = {"messages": [said("user", shown)]}
    traits = replace(ANY, images=False, documents=False)
    body = sent(to, client, traits, fields, ["image", "document"])
    assert body["messages"] == [said("user", [IMAGE, DOCUMENT, text("what")])]
    only_images = sent(to, client, replace(ANY, images=False), fields, ["image"])
    assert only_images["messages"][0]["content"][1] != DOCUMENT


def test_a_text_stands_for_the_image_in_a_tool_result() -> None:
    messages = [said("user", "hi"), said("assistant", [use("c")]), said("user", [result("c", [PNG])])]
    body = sent("anthropic", "anthropic", replace(ANY, images=False), {"messages": messages}, ["image"])
    assert body["messages"][2]["content"] == [result("c", [IMAGE])]


def test_a_document_that_is_text_stays_text() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words."}}
    body = sent(
        "anthropic", "anthropic", replace(ANY, documents=False), {"messages": [said("user", [document])]}
    )
    assert body["messages"][0]["content"] == [text("Words.")]


@pytest.mark.parametrize(
    ("asked", "efforts", "nearest"),
    [
        ("high", ("low", "medium", "high"), "high"),
        ("max", ("low", "medium", "high"), "high"),
        ("minimal", ("low", "medium"), "low"),
        ("minimal", ("none", "low"), "low"),
        ("medium", ("low", "high"), "low"),
        ("none", ("minimal", "low"), "minimal"),
        ("low", ("none",), "none"),
        ("new", ("low",), "new"),
        ("low", (), None),
    ],
)
def test_an_effort_is_clamped(asked: str, efforts: tuple[str, ...], nearest: str | None) -> None:
    assert fitting.effort_within(asked, efforts) == nearest


LEVELS: tuple[Effort, ...] = ("low", "medium", "high")


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"output_config": {"effort": "max"}}, "high"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 8000}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 32_000}}, "high"),
        ({"thinking": {"type": "disabled"}}, "low"),
        ({}, None),
    ],
)
def test_the_effort_of_an_anthropic_client_reaches_an_openai_provider(
    fields: Body, effort: str | None
) -> None:
    body = sent("openai", "anthropic", replace(ANY, efforts=LEVELS), {"max_tokens": 64_000, **fields})
    assert body.get("reasoning_effort") == effort


@pytest.mark.parametrize("efforts", [None, ()])
def test_an_effort_is_lost_where_it_is_not_known_to_be_accepted(efforts: Any) -> None:
    traits = replace(ANY, efforts=efforts)
    fields = {"output_config": {"effort": "high"}}
    assert "reasoning_effort" not in sent("openai", "anthropic", traits, fields, ["effort"])
    assert "output_config" not in sent(
        "anthropic", "openai", traits, {"reasoning_effort": "high"}, ["reasoning_effort"]
    )


@pytest.mark.parametrize(("asked", "level"), [("minimal", "low"), ("high", "high"), ("none", None)])
def test_the_effort_of_an_openai_client_reaches_anthropic(asked: str, level: str | None) -> None:
    body = sent("anthropic", "openai", ANY, {"reasoning_effort": asked}, base_url=HOSTS["anthropic"])
    assert body.get("output_config") == ({"effort": level} if level else None)


@pytest.mark.parametrize(("asked", "level"), [("low", "low"), ("max", "xhigh")])
def test_the_effort_reaches_an_unknown_model_of_openai(asked: str, level: str) -> None:
    fields = {"output_config": {"effort": asked}}
    assert sent("openai", "anthropic", ANY, fields, base_url=HOSTS["openai"])["reasoning_effort"] == level


@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_the_effort_of_a_client_of_the_same_wire_is_clamped_or_left_out(to: Wire) -> None:
    fields: Body = {"reasoning_effort": "max"} if to == "openai" else {"output_config": {"effort": "max"}}
    clamped = sent(to, to, replace(ANY, efforts=LEVELS), fields)
    assert clamped == {
        **given(to),
        "model": "own",
        **({"reasoning_effort": "high"} if to == "openai" else {"output_config": {"effort": "high"}}),
    }
    lost = ["reasoning_effort" if to == "openai" else "effort"]
    assert sent(to, to, replace(ANY, efforts=()), fields, lost) == {**given(to), "model": "own"}
    assert sent(to, to, ANY, fields) == {**given(to), "model": "own", **fields}


def test_an_effort_is_left_out_beside_disabled_thinking_where_the_server_is_not_anthropics() -> None:
    fields = {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}
    assert "output_config" not in sent("anthropic", "anthropic", ANY, fields, ["effort"])
    own = sent("anthropic", "anthropic", ANY, fields, base_url=HOSTS["anthropic"])
    assert own["output_config"] == {"effort": "high"}


@pytest.mark.parametrize("turn", [True, False])
def test_thinking_of_an_openai_client_is_left_out_amid_a_turn_that_cannot_begin_with_it(turn: bool) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    fields = {"messages": HISTORIES["openai"] if turn else [said("user", "Hi")], "thinking": thinking}
    body = sent("anthropic", "openai", ANY, fields, ["thinking"] if turn else [])
    assert body.get("thinking") == (None if turn else thinking)


STRICT = ProviderTraits(
    system_text="never",
    call_ids="nine",
    max_output_tokens=50,
    refused_fields=("store", "metadata", "reasoning_content"),
    temperature_with_top_p=False,
    forced_tool_choice=False,
    refused_schema_keywords=("exclusiveMinimum",),
    images=False,
    documents=False,
    efforts=("low", "medium"),
)
RICH: dict[Wire, Body] = {
    "openai": {
        "messages": [*MIXED, said("user", [PNG_PART, PDF_PART]), *HISTORIES["openai"]],
        "tools": TOOLS["openai"],
        "tool_choice": "required",
        "max_tokens": 70,
        "max_completion_tokens": 60,
        "reasoning_effort": "high",
    },
    "anthropic": {
        "system": "S",
        "messages": [*MIXED, said("user", [PNG, PDF]), *HISTORIES["anthropic"]],
        "tools": TOOLS["anthropic"],
        "tool_choice": {"type": "any"},
        "max_tokens": 70,
        "output_config": {"effort": "max"},
    },
}


@pytest.mark.parametrize("to", ["openai", "anthropic"])
@pytest.mark.parametrize("traits", [STRICT, ProviderTraits(), ANY, replace(STRICT, system_text="first")])
def test_a_fitted_request_fits(to: Wire, traits: ProviderTraits) -> None:
    body = given(to, temperature=1, top_p=1, store=True, metadata={}, **RICH[to])
    once = fitted(to, body, traits)
    assert fitted(to, once, traits) is once


@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_a_request_that_fits_is_the_same_object(to: Wire) -> None:
    body = given(to, messages=HISTORIES[to], tools=TOOLS[to])
    assert fitted(to, body, ProviderTraits()) is body


def test_every_trait_that_is_no_opaque_state_has_its_function() -> None:
    elsewhere = {"returns_reasoning", "thought_signatures"}
    shared = {"documents": "images"}
    for fits in (openai_fit.FITS, anthropic_fit.FITS):
        names = {name for name, _ in fits}
        missing = {
            shared.get(each, each) for each in ProviderTraits.__dataclass_fields__ if each not in elsewhere
        } - names
        assert missing <= {"max_tokens_field"}, "Messages has one name for the limit"


def test_efforts_are_in_order() -> None:
    assert EFFORTS == ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_overrides_by_hand_are_applied_last(to: Wire, client: Wire) -> None:
    by_hand: Body = {
        "set_params": {"temperature": 0.1, "seed": 3, "max_tokens": 99},
        "drop_params": ["top_p", "seed"],
    }
    traits = replace(ANY, max_output_tokens=50)
    body = sent(to, client, traits, {"temperature": 1, "top_p": 0.5, "max_tokens": 70}, ["seed"], **by_hand)
    assert (body["temperature"], body["max_tokens"]) == (0.1, 99)
    assert {"top_p", "seed"}.isdisjoint(body)
