"""What the traits of a provider change of a request, all together: on both kinds of provider."""

from dataclasses import replace

import pytest

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires.anthropic import fit as anthropic_fit
from coderouter_proxy.wires.openai import fit as openai_fit
from support.proxy.fitted_requests import (
    ANY,
    HISTORIES,
    MIXED,
    PDF,
    PDF_PART,
    PNG,
    PNG_PART,
    TOOLS,
    Body,
    Wire,
    fitted,
    given,
    said,
    sent,
)

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
