"""What the shipped rules know of models: levels of effort, images, and reasoning that has to come back."""

from pathlib import Path

import pytest

from coderouter_proxy.config.schema import Provider
from coderouter_proxy.routing import capabilities
from coderouter_proxy.routing.capabilities import CapabilityRule

OPENAI, ANTHROPIC, GEMINI = "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[CapabilityRule]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(capabilities, "USER_FILE", Path(tmp_path_factory.mktemp("none"), "none.yaml"))
        return capabilities.load()


def provider(host: str, model: str) -> Provider:
    kind = "anthropic" if host == ANTHROPIC else "openai_compat"
    return Provider(name="p", kind=kind, base_url=f"https://{host}/v1", model=model)


@pytest.mark.parametrize(
    ("host", "model", "levels"),
    [
        (OPENAI, "gpt-4o", ""),
        (OPENAI, "gpt-5-chat-latest", ""),
        (OPENAI, "gpt-5-search-api", ""),
        (OPENAI, "o3-mini", "low medium high"),
        (OPENAI, "gpt-5-2025-08-07", "minimal low medium high"),
        (OPENAI, "gpt-5-mini", "minimal low medium high"),
        (OPENAI, "gpt-5-codex", "low medium high"),
        (OPENAI, "gpt-5-pro", "high"),
        (OPENAI, "gpt-5.1-2025-11-13", "none low medium high"),
        (OPENAI, "gpt-5.1-chat-latest", "medium"),
        (OPENAI, "gpt-5.1-codex", "low medium high"),
        (OPENAI, "gpt-5.1-codex-max", "low medium high xhigh"),
        (OPENAI, "gpt-5.2", "none low medium high xhigh"),
        (OPENAI, "gpt-5.2-codex", "low medium high xhigh"),
        (OPENAI, "gpt-5.4-pro", "medium high xhigh"),
        (OPENAI, "gpt-5.6-luna", "none low medium high xhigh max"),
        (OPENAI, "gpt-5.9", None),
        (ANTHROPIC, "claude-haiku-4-5", ""),
        (ANTHROPIC, "claude-opus-4-5", "low medium high"),
        (ANTHROPIC, "claude-sonnet-4-6", "low medium high max"),
        (ANTHROPIC, "claude-mythos-preview", "low medium high max"),
        (ANTHROPIC, "claude-opus-4-8", "low medium high xhigh max"),
        (GEMINI, "gemini-2.0-flash", None),
        (GEMINI, "gemini-2.5-pro", "minimal low medium high"),
        (GEMINI, "gemini-3.1-pro", "minimal low medium high"),
        ("api.moonshot.ai", "kimi-k3", "low high max"),
        ("api.moonshot.cn", "kimi-k2.6", None),
    ],
)
def test_levels_of_effort(host: str, model: str, levels: str | None, shipped: list[CapabilityRule]) -> None:
    known = capabilities.traits_of(provider(host, model), shipped).efforts
    assert known == (None if levels is None else tuple(levels.split()))


@pytest.mark.parametrize(
    ("model", "sees"),
    [("deepseek-flash", True), ("deepseek-v4-flash-vision-exp", True), ("deepseek-v4-pro", False)],
)
def test_only_the_flash_of_deepseek_sees_images(
    model: str, sees: bool, shipped: list[CapabilityRule]
) -> None:
    deepseek = provider("api.deepseek.com", model)
    traits = capabilities.traits_of(deepseek, shipped)
    assert (traits.images, traits.documents) == (sees, False)
    assert capabilities.resolve(deepseek, shipped).vision is sees


@pytest.mark.parametrize(
    ("model", "returned"), [("kimi-k2-thinking", True), ("kimi-k2.5", True), ("kimi-k2-0905-preview", False)]
)
def test_kimi_gets_the_reasoning_of_its_thinking_models_back(
    model: str, returned: bool, shipped: list[CapabilityRule]
) -> None:
    assert capabilities.traits_of(provider("api.moonshot.ai", model), shipped).returns_reasoning is returned


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-3-5-sonnet-20241022", 8192),
        ("claude-3-7-sonnet-20250219", None),
        ("claude-opus-4-20250514", 32_000),
        ("claude-opus-4-1", 32_000),
        ("claude-sonnet-4-20250514", 64_000),
        ("claude-haiku-4-5", 64_000),
        ("claude-opus-4-5-20251101", 64_000),
        ("claude-sonnet-4-6", 128_000),
        ("claude-opus-5-5", 128_000),
        ("minimax-m3", None),
    ],
)
def test_the_longest_answer_of_claude(model: str, tokens: int | None, shipped: list[CapabilityRule]) -> None:
    assert capabilities.traits_of(provider(ANTHROPIC, model), shipped).max_output_tokens == tokens
