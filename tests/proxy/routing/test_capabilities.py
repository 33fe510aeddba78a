"""Which capabilities a model has, who declares them, and the order of providers that follows."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.config import load, validation
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.config.traits import EFFORTS, ProviderTraits
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.capabilities import CapabilityRule, CapabilityRules, ModelCapabilities
from support.proxy.process import HELLO, failed_start

SONNET = Provider(name="p", kind="anthropic", base_url="http://h", model="claude-sonnet-4-5")


def rules(text: str) -> list[CapabilityRule]:
    return validation.validated(text, "f", CapabilityRules).rules


def of_kind(kind: str, model: str, **own: bool) -> Provider:
    fields = {"name": "p", "kind": kind, "base_url": "http://h", "model": model, "capabilities": own}
    return Provider.model_validate(fields)


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".coderouter" / "model-capabilities.yaml"
    path.parent.mkdir()
    return path


def test_the_shipped_rules_are_valid(user_file: Path) -> None:
    text = files("coderouter_proxy").joinpath(capabilities.SHIPPED).read_text(encoding="utf-8")
    checked = validation.validated(text, capabilities.SHIPPED, capabilities.CapabilityRules)
    assert capabilities.load() == checked.rules


def test_without_a_user_file_the_shipped_rules_apply(user_file: Path) -> None:
    known = capabilities.resolve(SONNET, capabilities.load())
    assert known == ModelCapabilities(thinking=True, tools=True, max_context_tokens=200_000)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-opus-5-5", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-3-7-sonnet-latest", True),
        ("claude-3-5-haiku-latest", False),
        ("claude-3-opus-20240229", False),
    ],
)
def test_models_of_anthropic_support_thinking_except_those_before_3_7(
    model: str, thinking: bool, user_file: Path
) -> None:
    assert capabilities.resolve(of_kind("anthropic", model), capabilities.load()).thinking is thinking
    assert capabilities.resolve(of_kind("openai_compat", model), capabilities.load()).thinking is False


def test_a_capability_that_no_rule_declares_has_a_cautious_default() -> None:
    assert capabilities.resolve(SONNET, []) == ModelCapabilities(
        thinking=False, reasoning_passthrough=False, tools=True, max_context_tokens=None
    )


def test_the_provider_overrides_the_user_file_which_overrides_the_shipped_rules(user_file: Path) -> None:
    user_file.write_text(
        "rules:\n  - {match: claude-*, capabilities: {thinking: false, max_context_tokens: 1000000}}\n"
    )
    loaded = capabilities.load()

    of_the_user = capabilities.resolve(SONNET, loaded)
    assert (of_the_user.thinking, of_the_user.max_context_tokens) == (False, 1_000_000)
    assert of_the_user.tools is True, "the shipped rule still decides what the user's says nothing of"

    own = capabilities.resolve(of_kind("anthropic", "claude-sonnet-4-5", thinking=True, tools=False), loaded)
    assert (own.thinking, own.tools, own.max_context_tokens) == (True, False, 1_000_000)


def test_for_each_flag_the_first_rule_that_declares_it_decides() -> None:
    known = capabilities.resolve(
        of_kind("openai_compat", "qwen3:8b"),
        rules(
            "rules:\n"
            "  - {match: 'qwen3*', capabilities: {thinking: true}}\n"
            "  - {match: 'qwen*', capabilities: {thinking: false, tools: false}}\n"
            "  - {match: '*', capabilities: {tools: true, reasoning_passthrough: true}}\n"
        ),
    )
    assert known == ModelCapabilities(thinking=True, tools=False, reasoning_passthrough=True)


@pytest.mark.parametrize(
    ("match", "model", "matches"),
    [
        ("qwen*", "qwen2.5-coder:7b", True),
        ("qwen*", "my-qwen", False),
        ("*coder*", "qwen2.5-coder:7b", True),
        ("gpt-4?", "gpt-4o", True),
        ("gpt-4?", "gpt-4", False),
        ("gpt-[45]", "gpt-5", True),
        ("Qwen*", "qwen", False),
        ("*", "vendor/model:free", True),
    ],
)
def test_models_are_matched_by_glob(match: str, model: str, matches: bool) -> None:
    listed = rules(f"rules: [{{match: '{match}', capabilities: {{thinking: true}}}}]")
    assert capabilities.resolve(of_kind("openai_compat", model), listed).thinking is matches


@pytest.mark.parametrize(
    ("kind", "of", "matches"),
    [
        ("any", "anthropic", True),
        ("any", "openai_compat", True),
        ("anthropic", "anthropic", True),
        ("anthropic", "openai_compat", False),
        ("openai_compat", "anthropic", False),
    ],
)
def test_a_rule_may_apply_to_one_kind_of_provider(kind: str, of: str, matches: bool) -> None:
    listed = rules(f"rules: [{{match: '*', kind: {kind}, capabilities: {{thinking: true}}}}]")
    assert capabilities.resolve(of_kind(of, "m"), listed).thinking is matches


def test_all_errors_of_a_user_file_are_reported(user_file: Path) -> None:
    user_file.write_text(
        "rules:\n"
        "  - {match: a, kind: ollama, capabilities: {}}\n"
        "  - match: ''\n"
        "    capabilities: {thinkign: true}\n"
        "  - capabilities: {max_context_tokens: 0}\n"
        "models: []\n"
    )
    with pytest.raises(ConfigErrors) as caught:
        capabilities.load()
    flags = "max_context_tokens, reasoning_passthrough, thinking, tools, vision"
    assert [error.removeprefix(f"{user_file}:") for error in caught.value.errors] == [
        "2: rules[0].kind: is 'ollama'; write 'openai_compat', 'anthropic', 'openai_responses', 'echo' or 'any'",
        "3: rules[1].match: is '': should not be empty",
        f"4: rules[1].capabilities.thinkign: is not a known field; did you mean thinking? known fields: {flags}",
        "5: rules[2].capabilities.max_context_tokens: is 0: should be greater than or equal to 1",
        "5: rules[2].match: is missing; add it",
        "6: models: is not a known field; known fields: rules",
    ]


def test_an_error_in_the_user_file_fails_the_start(user_file: Path, tmp_path: Path) -> None:
    user_file.write_text("rules: [{match: a, capabilities: {sight: true}}]\n")
    [line] = failed_start(tmp_path).splitlines()
    assert line.startswith(f"coderouter: {user_file}:1: rules[0].capabilities.sight: is not a known field")


def request_with(**body: object) -> ClientRequest:
    whole: Body = {"messages": HELLO, **body}
    return ClientRequest(request_id="r", ingress="anthropic", body=whole, raw=b"", headers={}, stream=False)


def in_order(request: ClientRequest, names: list[str], known: capabilities.Known) -> list[str]:
    for _, sort in capabilities.NEEDS:
        names = sort(request.outline, names, known)
    return names


KNOWN = {
    "plain": ModelCapabilities(),
    "thinks": ModelCapabilities(thinking=True),
    "toolless": ModelCapabilities(tools=False),
    "thinks too": ModelCapabilities(thinking=True),
}
NAMES = [*KNOWN, "ghost"]


@pytest.mark.parametrize(
    ("body", "first", "last"),
    [
        ({}, ["plain", "thinks", "toolless", "thinks too", "ghost"], []),
        ({"thinking": {"type": "disabled"}}, ["plain", "thinks"], ["thinks too", "ghost"]),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ["thinks", "thinks too", "plain"], ["ghost"]),
        ({"thinking": {"type": "adaptive"}}, ["thinks", "thinks too", "plain"], ["ghost"]),
        ({"tools": [{"name": "t"}]}, ["plain", "thinks", "thinks too"], ["toolless"]),
    ],
)  # fmt: skip
def test_capable_providers_come_first_and_both_groups_keep_their_order(
    body: Body, first: list[str], last: list[str]
) -> None:
    names = in_order(request_with(**body), NAMES, KNOWN)
    assert sorted(names) == sorted(NAMES)
    assert names[: len(first)] == first
    assert names[len(names) - len(last) :] == last


IMAGE = {"type": "image", "source": {}}
IMAGE_URL = {"type": "image_url", "image_url": {"url": "data:,"}}


def nested_results(depth: int) -> list[Any]:
    """Return an image in as many tool results as a request can hold."""
    content: list[Any] = [IMAGE]
    for _ in range(depth):
        content = [{"type": "tool_result", "content": content}]
    return content


SIGHTED = {
    "blind": ModelCapabilities(vision=False, thinking=True),
    "unknown": ModelCapabilities(),
    "sees": ModelCapabilities(vision=True),
}


@pytest.mark.parametrize(
    ("content", "order"),
    [
        ("Hi", ["blind", "unknown", "sees"]),
        ([{"type": "text", "text": "Hi"}], ["blind", "unknown", "sees"]),
        ([IMAGE], ["unknown", "sees", "blind"]),
        ([IMAGE_URL], ["unknown", "sees", "blind"]),
        ([{"type": "document"}], ["unknown", "sees", "blind"]),
        ([{"type": "file"}], ["unknown", "sees", "blind"]),
        ([{"type": "tool_result", "content": [IMAGE]}], ["unknown", "sees", "blind"]),
        (nested_results(500), ["unknown", "sees", "blind"]),
    ],
)
def test_providers_that_see_nothing_come_last_for_images_whatever_else_they_can(
    content: object, order: list[str]
) -> None:
    request = request_with(messages=[{"role": "user", "content": content}])
    assert in_order(request, [*SIGHTED], SIGHTED) == order
    thinking = request_with(messages=request.body["messages"], thinking={"type": "adaptive"})
    assert in_order(thinking, [*SIGHTED], SIGHTED)[-1] == order[-1]


@pytest.mark.parametrize("field", ["capabilities: {vision: false}", "traits: {images: false}"])
def test_a_provider_without_vision_gets_no_images_and_one_without_images_has_no_vision(field: str) -> None:
    base = "name: p, base_url: http://h, model: m"
    text = f"providers: [{{{base}, {field}}}]\nprofiles: [{{name: default, providers: [p]}}]\n"
    [provider] = load.parse(text, "f").providers
    assert capabilities.traits_of(provider, []).images is False
    assert capabilities.resolve(provider, []).vision is False


def test_a_provider_that_takes_images_after_all_says_so() -> None:
    own = of_kind("openai_compat", "m", vision=True)
    [rule] = rules("rules: [{match: '*', capabilities: {vision: false}}]")
    assert capabilities.resolve(own, [rule]).vision is True
    assert capabilities.traits_of(own, [rule]).images is True


def test_the_cap_of_a_provider_overrides_that_of_every_rule() -> None:
    capped = Provider(name="p", base_url="http://h", model="m", max_output_tokens=5)
    [rule] = rules("rules: [{match: '*', traits: {max_output_tokens: 9, call_ids: nine}}]")
    assert capabilities.traits_of(capped, [rule]) == ProviderTraits(max_output_tokens=5, call_ids="nine")


@pytest.mark.parametrize(
    ("kind", "base_url", "model", "expected"),
    [
        ("openai_compat", "http://127.0.0.1:11434/v1", "qwen3", {}),
        ("anthropic", "http://127.0.0.1:8080", "claude-sonnet-4-6", {}),
        (
            "openai_compat",
            "https://api.openai.com/v1",
            "gpt-5",
            {
                "system_text": "anywhere",
                "alternating": False,
                "max_tokens_field": "max_completion_tokens",
                "efforts": ("minimal", "low", "medium", "high"),
            },
        ),
        (
            "openai_compat",
            "https://api.openai.com/v1",
            "gpt-9",
            {"system_text": "anywhere", "alternating": False, "max_tokens_field": "max_completion_tokens"},
        ),
        (
            "anthropic",
            "https://api.anthropic.com",
            "claude-sonnet-4-5",
            {
                "system_text": "anywhere",
                "alternating": False,
                "max_output_tokens": 64_000,
                "temperature_with_top_p": False,
                "efforts": (),
            },
        ),
        (
            "openai_compat",
            "https://api.deepseek.com/v1",
            "deepseek-chat",
            {
                "images": False,
                "documents": False,
                "returns_reasoning": True,
                "efforts": ("minimal", "low", "medium", "high", "xhigh", "max"),
            },
        ),
    ],
)
def test_what_is_known_of_hosts_and_models(
    kind: str, base_url: str, model: str, expected: dict[str, Any], user_file: Path
) -> None:
    provider = Provider(name="p", kind=kind, base_url=base_url, model=model)
    assert capabilities.traits_of(provider, capabilities.load()) == ProviderTraits(**expected)


@pytest.mark.parametrize(
    ("host", "trait", "value"),
    [
        ("api.mistral.ai", "call_ids", "nine"),
        ("generativelanguage.googleapis.com", "thought_signatures", True),
        ("api.groq.com", "refused_fields", ("logprobs", "logit_bias", "top_logprobs")),
        ("x.openai.azure.com", "max_tokens_field", "max_completion_tokens"),
        ("openrouter.ai", "efforts", EFFORTS),
    ],
)
def test_one_trait_of_each_known_host(host: str, trait: str, value: object, user_file: Path) -> None:
    provider = Provider(name="p", base_url=f"https://{host}/v1", model="m")
    assert getattr(capabilities.traits_of(provider, capabilities.load()), trait) == value


def test_the_built_in_configuration_needs_no_user_file(user_file: Path) -> None:
    [ollama, _] = load.load(None).config.providers
    assert capabilities.resolve(ollama, capabilities.load()).thinking is False
