"""Each probe finds its symptom and nothing else, and its patch mends it."""

from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.doctor import output, result
from coderouter_proxy.doctor.patch import apply
from proxy.doctor.conftest import Found, checked
from support.proxy.model import Model
from support.proxy.upstream import Provider

HEALTHY = {
    "chat": "OK",
    "context": "OK",
    "streaming": "OK",
    "tools": "OK",
    "thinking": "SKIP",
    "leaks": "OK",
}
CLAUDE: dict[str, Any] = {"kind": "anthropic", "model": "some-model"}


SYMPTOMS: dict[str, tuple[Model, dict[str, Any], str, dict[str, Any]]] = {
    "the context is cut": (
        Model(context_tokens=2048),
        {},
        "context",
        {"extra_body": {"options": {"num_ctx": 16384}}},
    ),
    "the context is cut without a word in the usage": (
        Model(context_tokens=2048, tells_usage=False),
        {},
        "context",
        {"extra_body": {"options": {"num_ctx": 16384}}},
    ),
    "an answer is cut": (
        Model(answer_tokens=128),
        {},
        "streaming",
        {"extra_body": {"max_tokens": 4096}},
    ),
    "an answer is cut by what is declared": (
        Model(),
        {"extra_body": {"max_tokens": 100}},
        "streaming",
        {"extra_body": {"max_tokens": 4096}},
    ),
    "an answer is cut by num_predict": (
        Model(),
        {"extra_body": {"options": {"num_predict": 128, "num_ctx": 16384}}},
        "streaming",
        {"extra_body": {"options": {"num_predict": 4096}}},
    ),
    "tools are not called": (Model(tools="words"), {}, "tools", {"capabilities": {"tools": False}}),
    "tools are refused": (Model(tools="refused"), {}, "tools", {"capabilities": {"tools": False}}),
    "tools make llama.cpp fail": (Model(tools="crash"), {}, "tools", {"capabilities": {"tools": False}}),
    "tools are called that are declared missing": (
        Model(),
        {"capabilities": {"tools": False}},
        "tools",
        {"capabilities": {"tools": True}},
    ),
    "calls of the Anthropic wire are text": (
        Model(wire="anthropic", tools="text"),
        CLAUDE,
        "tools",
        {"capabilities": {"tools": False}},
    ),
    "it thinks": (
        Model(wire="anthropic", thinking="enabled"),
        CLAUDE,
        "thinking",
        {"capabilities": {"thinking": True}},
    ),
    "it thinks when it likes to": (
        Model(wire="anthropic", thinking="adaptive"),
        CLAUDE,
        "thinking",
        {"capabilities": {"thinking": True}},
    ),
    "it refuses to think": (
        Model(wire="anthropic", thinking="refused"),
        {**CLAUDE, "capabilities": {"thinking": True}},
        "thinking",
        {"capabilities": {"thinking": False}},
    ),
    "it takes no notice of thinking": (
        Model(wire="anthropic", thinking="ignored"),
        {**CLAUDE, "capabilities": {"thinking": True}},
        "thinking",
        {"capabilities": {"thinking": False}},
    ),
    "thinking leaks": (
        Model(leak="<think>Hm.</think>"),
        {},
        "leaks",
        {"output_filters": ["strip_thinking"]},
    ),
    "markers leak behind what is filtered": (
        Model(leak="<|im_end|>"),
        {"output_filters": ["strip_thinking"]},
        "leaks",
        {"output_filters": ["strip_thinking", "strip_stop_markers"]},
    ),
    "whole answers are reasoning": (
        Model(is_mute=True),
        {},
        "leaks",
        {"capabilities": {"reasoning_passthrough": True}},
    ),
}


@pytest.mark.parametrize(("model", "fields", "check", "patch"), SYMPTOMS.values(), ids=SYMPTOMS)
def test_a_symptom_gets_its_patch_and_the_patch_mends_it(
    model: Model, fields: dict[str, Any], check: str, patch: dict[str, Any], tmp_path: Path, a: Provider
) -> None:
    healthy = HEALTHY | ({"thinking": "OK"} if model.wire == "anthropic" else {})

    found = checked(tmp_path, a, model, **fields)
    assert found.verdicts == healthy | {check: "NEEDS_TUNING"}
    assert found.patch(check) == patch
    assert result.exit_code(found.results) == 2

    path = tmp_path / "providers.yaml"
    apply.written(apply.planned(path, output.patches(found.results)))
    again = Found(path)
    assert again.verdicts == healthy, again.results
    assert result.exit_code(again.results) == 0


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Model(), {}),
        (Model(tools="text"), {}),
        (Model(reasoning="Hm."), {}),
        (Model(is_mute=True), {"capabilities": {"reasoning_passthrough": True}}),
        (Model(leak="<think>Hm.</think>"), {"output_filters": ["strip_thinking"]}),
        (Model(tools="words"), {"capabilities": {"tools": False}}),
        (Model(context_tokens=2048), {"extra_body": {"options": {"num_ctx": 32768}}}),
        (Model(wire="anthropic", thinking="enabled"), {**CLAUDE, "capabilities": {"thinking": True}}),
        (Model(wire="anthropic"), CLAUDE),
    ],
    ids=lambda value: "" if isinstance(value, dict) else None,
)
def test_what_is_as_declared_is_left_alone(
    model: Model, fields: dict[str, Any], tmp_path: Path, a: Provider
) -> None:
    found = checked(tmp_path, a, model, **fields)
    assert set(found.verdicts.values()) <= {"OK", "SKIP"}, found.results
    assert not output.patches(found.results)


def test_an_ollama_that_takes_no_num_ctx_from_requests_is_told_how_to_start(
    tmp_path: Path, a: Provider
) -> None:
    model = Model(context_tokens=2048, takes_options=False)
    found = checked(tmp_path, a, model, extra_body={"options": {"num_ctx": 16384}})
    assert found.verdicts["context"] == "NEEDS_TUNING"
    assert found.patch("context") == {}
    assert "though num_ctx asks for 16384" in found.words("context")
    assert "OLLAMA_CONTEXT_LENGTH=16384" in found.words("context")


def test_a_prompt_is_as_long_as_what_is_declared_asks_for(tmp_path: Path, a: Provider) -> None:
    rules = tmp_path / ".coderouter" / "model-capabilities.yaml"
    rules.parent.mkdir()
    rules.write_text("rules: [{match: small, capabilities: {max_context_tokens: 4000}}]")
    model = Model(context_tokens=4000)
    assert checked(tmp_path, a, model, model="small").verdicts["context"] == "OK"
    assert checked(tmp_path, a, model, model="other").verdicts["context"] == "NEEDS_TUNING"


def test_a_prompt_that_is_refused_as_too_long_is_no_failure(tmp_path: Path, a: Provider) -> None:
    found = checked(tmp_path, a, Model(refuses_over_tokens=4000))
    assert found.verdicts == HEALTHY | {"context": "NEEDS_TUNING"}
    assert "llama.cpp: -c" in found.words("context")
    assert result.exit_code(found.results) == 2


def test_a_model_that_repeats_no_word_at_all_says_nothing_about_its_context(
    tmp_path: Path, a: Provider
) -> None:
    silent = checked(tmp_path, a, Model(repeats=False, tells_usage=False))
    assert silent.verdicts["context"] == "SKIP"
    counting = checked(tmp_path, a, Model(repeats=False))
    assert counting.verdicts["context"] == "OK"
    assert "makes little use of it" in counting.words("context")


@pytest.mark.parametrize("extra_body", [{"max_tokens": 8192}, {"options": {"num_predict": -1}}])
def test_a_limit_that_only_the_server_can_raise_gets_no_patch(
    extra_body: dict[str, Any], tmp_path: Path, a: Provider
) -> None:
    model = Model(answer_tokens=128, takes_max_tokens=False, takes_options=False)
    found = checked(tmp_path, a, model, extra_body=extra_body)
    assert (found.verdicts["streaming"], found.patch("streaming")) == ("NEEDS_TUNING", {})
    assert "num_predict" in found.words("streaming")


@pytest.mark.parametrize(
    ("model", "expected", "words"),
    [
        (Model(counts_to=37, says_stop=False), "TRANSPORT_ERROR", "broke off at 37"),
        (Model(counts_to=37), "NEEDS_TUNING", "ends at 37"),
        (Model(counts_to=0), "OK", "did not count"),
    ],
)
def test_a_count_that_does_not_arrive(
    model: Model, expected: str, words: str, tmp_path: Path, a: Provider
) -> None:
    found = checked(tmp_path, a, model)
    assert found.verdicts == HEALTHY | {"streaming": expected}
    assert words in found.words("streaming")


def test_a_tag_that_is_only_closed_is_the_servers_to_mend(tmp_path: Path, a: Provider) -> None:
    found = checked(tmp_path, a, Model(leak="Hm.</think>"))
    assert (found.verdicts["leaks"], found.patch("leaks")) == ("NEEDS_TUNING", {})
    assert "--reasoning-format" in found.words("leaks")
