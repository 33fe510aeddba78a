"""Each probe finds its symptom and nothing else, and its patch fixes it."""

from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.doctor import output, result
from coderouter_proxy.doctor.patch.apply import plan_change, write_change
from coderouter_proxy.doctor.probes import run
from support.proxy.doctor import HEALTHY, ProbeResults, run_probes
from support.proxy.model import Model
from support.proxy.upstream import Provider

CLAUDE: dict[str, Any] = {"kind": "anthropic", "model": "some-model"}


SYMPTOMS: dict[str, tuple[Model, dict[str, Any], str, dict[str, Any]]] = {
    "the context is too small": (
        Model(context_tokens=2048),
        {},
        "context",
        {"extra_body": {"options": {"num_ctx": 16384}}},
    ),
    "the context is too small and no usage is reported": (
        Model(context_tokens=2048, reports_usage=False),
        {},
        "context",
        {"extra_body": {"options": {"num_ctx": 16384}}},
    ),
    "a reply is truncated": (
        Model(answer_tokens=128),
        {},
        "streaming",
        {"extra_body": {"max_tokens": 4096}},
    ),
    "a reply is truncated by a declared limit": (
        Model(),
        {"extra_body": {"max_tokens": 100}},
        "streaming",
        {"extra_body": {"max_tokens": 4096}},
    ),
    "a reply is truncated by num_predict": (
        Model(),
        {"extra_body": {"options": {"num_predict": 128, "num_ctx": 16384}}},
        "streaming",
        {"extra_body": {"options": {"num_predict": 4096}}},
    ),
    "tools are not called": (Model(tools="words"), {}, "tools", {"capabilities": {"tools": False}}),
    "tools are rejected": (Model(tools="rejected"), {}, "tools", {"capabilities": {"tools": False}}),
    "tools make llama.cpp fail": (Model(tools="crash"), {}, "tools", {"capabilities": {"tools": False}}),
    "tools are called although declared as missing": (
        Model(),
        {"capabilities": {"tools": False}},
        "tools",
        {"capabilities": {"tools": True}},
    ),
    "it thinks on request": (
        Model(wire="anthropic", thinking="enabled"),
        CLAUDE,
        "thinking",
        {"capabilities": {"thinking": True}},
    ),
    "it decides itself whether to think": (
        Model(wire="anthropic", thinking="adaptive"),
        CLAUDE,
        "thinking",
        {"capabilities": {"thinking": True}},
    ),
    "it rejects thinking": (
        Model(wire="anthropic", thinking="rejected"),
        {**CLAUDE, "capabilities": {"thinking": True}},
        "thinking",
        {"capabilities": {"thinking": False}},
    ),
    "it ignores thinking": (
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
    "thinking leaks without an opener": (
        Model(leak="Hm.</think>"),
        {},
        "leaks",
        {"output_filters": ["strip_thinking"]},
    ),
    "thinking in a channel leaks": (
        Model(leak="<|channel>thought\nHm.<channel|>"),
        {},
        "leaks",
        {"output_filters": ["strip_thinking"]},
    ),
    "tags of tool calls leak": (
        Model(leak="</tool_call>"),
        {},
        "leaks",
        {"output_filters": ["strip_tool_call_xml"]},
    ),
    "bytes leak": (
        Model(leak="<0xC3><0xA9>"),
        {},
        "leaks",
        {"output_filters": ["repair_byte_fallback"]},
    ),
    "markers leak despite another filter": (
        Model(leak="<|im_end|>"),
        {"output_filters": ["strip_thinking"]},
        "leaks",
        {"output_filters": ["strip_thinking", "strip_stop_markers"]},
    ),
    "whole answers are reasoning": (
        Model(only_reasons=True),
        {},
        "leaks",
        {"capabilities": {"reasoning_passthrough": True}},
    ),
}


@pytest.mark.parametrize(("model", "fields", "check", "patch"), SYMPTOMS.values(), ids=SYMPTOMS)
def test_a_symptom_gets_its_patch_and_the_patch_fixes_it(
    model: Model, fields: dict[str, Any], check: str, patch: dict[str, Any], tmp_path: Path, a: Provider
) -> None:
    healthy = HEALTHY | ({"thinking": "OK"} if model.wire == "anthropic" else {})

    found = run_probes(tmp_path, a, model, **fields)
    assert found.verdicts == healthy | {check: "NEEDS_TUNING"}
    assert found.patch(check) == patch
    assert result.exit_code(found.results) == 2

    path = tmp_path / "providers.yaml"
    write_change(plan_change(path, output.patches_by_subject(found.results)))
    again = ProbeResults(path)
    assert again.verdicts == healthy, again.results
    assert result.exit_code(again.results) == 0


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Model(), {}),
        (Model(tools="text"), {}),
        (Model(wire="anthropic", tools="text"), CLAUDE),
        (Model(reasoning="Hm."), {}),
        (Model(only_reasons=True), {"capabilities": {"reasoning_passthrough": True}}),
        (Model(leak="<think>Hm.</think>"), {"output_filters": ["strip_thinking"]}),
        (Model(tools="words"), {"capabilities": {"tools": False}}),
        (Model(context_tokens=2048), {"extra_body": {"options": {"num_ctx": 32768}}}),
        (Model(wire="anthropic", thinking="enabled"), {**CLAUDE, "capabilities": {"thinking": True}}),
        (Model(wire="anthropic"), CLAUDE),
    ],
    ids=lambda value: "" if isinstance(value, dict) else None,
)
def test_a_model_that_is_as_declared_gets_no_patch(
    model: Model, fields: dict[str, Any], tmp_path: Path, a: Provider
) -> None:
    found = run_probes(tmp_path, a, model, **fields)
    assert set(found.verdicts.values()) <= {"OK", "SKIP"}, found.results
    assert not output.patches_by_subject(found.results)


def test_all_probes_of_a_provider_together_have_a_time_limit(
    tmp_path: Path, a: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PROVIDER_S_MAX", 1)
    found = run_probes(tmp_path, a, Model(hangs_at="Count"))
    assert found.verdicts["context"] == "OK"
    assert found.verdicts["streaming"] == "TRANSPORT_ERROR"
    assert found.by_check["streaming"].message == "not finished within the limit of 1 s for one provider"
    for name in ("tools", "thinking", "leaks"):
        assert found.verdicts[name] == "SKIP"
        assert found.by_check[name].message == "the limit of 1 s for one provider is reached"
