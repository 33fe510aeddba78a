"""The effort of a request, on the provider's wire and within what the provider takes."""

from dataclasses import replace
from typing import Any

import pytest

from coderouter_proxy.config.traits import EFFORTS, Effort
from coderouter_proxy.wires import fitting
from support.proxy.fitted_requests import ANY, HISTORIES, HOSTS, Body, Wire, given, said, sent


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


def test_efforts_are_in_order() -> None:
    assert EFFORTS == ("none", "minimal", "low", "medium", "high", "xhigh", "max")
