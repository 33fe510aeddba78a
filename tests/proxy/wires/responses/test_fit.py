"""Responses requests as providers with given traits accept them."""

from typing import Any

import pytest

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires.openai import fit as openai_fit
from coderouter_proxy.wires.responses.fit import FITS, fit

Body = dict[str, Any]

ANY: dict[str, Any] = {"system_text": "anywhere", "alternating": False}
HI: Body = {"role": "user", "content": "Hi."}
LATER: Body = {"role": "developer", "content": "Be brief."}
CALL: Body = {"type": "function_call", "call_id": "call_1", "name": "ls", "arguments": "{}"}
RESULT: Body = {"type": "function_call_output", "call_id": "call_1", "output": "data"}
IMAGE: Body = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo="}
MARKED = "<system>\nBe brief.\n</system>"
TOOL: Body = {"type": "function", "name": "ls", "parameters": {"type": "object", "$schema": "x"}}


def fitted(body: Body, **traits: Any) -> tuple[Body, list[str]]:
    dropped: list[str] = []
    known = ProviderTraits(**{**ANY, **traits})
    once = fit(body, known, dropped.append)
    assert fit(once, known, pytest.fail) is once
    return once, dropped


def test_every_trait_of_the_other_wire_is_known_but_the_name_of_the_limit() -> None:
    assert {name for name, _ in openai_fit.FITS} - {name for name, _ in FITS} == {"max_tokens_field"}


@pytest.mark.parametrize("given", ["Hi.", [HI, CALL, RESULT]])
def test_a_request_that_fits_is_the_same_object(given: object) -> None:
    body = {"input": given, "instructions": "Be kind."}
    assert fit(body, ProviderTraits(), pytest.fail) is body


def test_system_text_at_the_beginning_joins_the_instructions() -> None:
    body, _ = fitted({"instructions": "Be kind.", "input": [LATER, HI]}, system_text="first")
    assert body == {"instructions": "Be kind.\n\nBe brief.", "input": [HI]}


def test_later_system_text_joins_a_user_message_and_separates_no_call_from_its_result() -> None:
    body, _ = fitted({"input": [HI, CALL, LATER, RESULT]}, system_text="first")
    assert body["input"] == [HI, CALL, RESULT, {"role": "user", "content": MARKED}]
    parts = {"role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
    body, _ = fitted({"input": [parts, LATER]}, system_text="first")
    assert body["input"][0]["content"][1] == {"type": "input_text", "text": MARKED}


@pytest.mark.parametrize("given", ["Hi.", [HI]])
def test_a_model_without_system_text_reads_it_in_a_user_message(given: object) -> None:
    body, _ = fitted({"instructions": "Be brief.", "input": given}, system_text="never")
    assert "instructions" not in body
    assert [(item["role"], item["content"]) for item in body["input"]] == [("user", f"{MARKED}\n\nHi.")]


def test_neighbours_are_merged() -> None:
    parts = {"role": "user", "content": [IMAGE]}
    body, _ = fitted({"input": [HI, HI, CALL, RESULT, HI, parts]}, alternating=True)
    first, _, _, last = body["input"]
    assert first["content"] == "Hi.\n\nHi."
    assert last["content"] == [{"type": "input_text", "text": "Hi."}, IMAGE]


def test_ids_of_calls_have_nine_letters() -> None:
    body, _ = fitted({"input": [CALL, RESULT]}, call_ids="nine")
    call, result = body["input"]
    assert call["call_id"] == result["call_id"]
    assert len(call["call_id"]) == 9


def test_what_a_model_cannot_see_is_a_text() -> None:
    given = [{"role": "user", "content": [IMAGE]}, {**RESULT, "output": [IMAGE]}]
    body, dropped = fitted({"input": given}, images=False)
    assert dropped == ["image", "image"]
    assert body["input"][0]["content"][0]["type"] == body["input"][1]["output"][0]["type"] == "input_text"


FIELDS: dict[str, tuple[Body, dict[str, Any], Body]] = {
    "limit": ({"max_output_tokens": 9000}, {"max_output_tokens": 100}, {"max_output_tokens": 100}),
    "effort": (
        {"reasoning": {"effort": "ultra", "summary": "auto"}},
        {"efforts": ("low", "high")},
        {"reasoning": {"effort": "high", "summary": "auto"}},
    ),
    "no effort": ({"reasoning": {"effort": "low"}}, {"efforts": ()}, {}),
    "choice": ({"tool_choice": "required"}, {"forced_tool_choice": False}, {"tool_choice": "auto"}),
    "schema": (
        {"tools": [TOOL]},
        {"refused_schema_keywords": ("$schema",)},
        {"tools": [{**TOOL, "parameters": {"type": "object"}}]},
    ),
    "top_p": ({"temperature": 1, "top_p": 1}, {"temperature_with_top_p": False}, {"temperature": 1}),
    "fields": ({"metadata": {"a": "b"}}, {"refused_fields": ("metadata",)}, {}),
}


@pytest.mark.parametrize(("given", "traits", "expected"), FIELDS.values(), ids=FIELDS)
def test_fields_fit(given: Body, traits: dict[str, Any], expected: Body) -> None:
    assert fitted({"input": "Hi.", **given}, **traits)[0] == {"input": "Hi.", **expected}
