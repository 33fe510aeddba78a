"""What a providers.yaml means, which one is read, and what the environment overrides."""

from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors
from support.proxy.least_config import LEAST

OF_1_7 = """\
# As CodeRouter 1.7 documents it.
allow_paid: false
default_profile: coding
display_timezone: Asia/Tokyo
mode_aliases:
  think: reasoning
  fast: coding
auto_router:
  disabled: false
  rules:
    - id: images
      profile: multi
      match: {has_image: true}
    - id: tools
      profile: coding
      match:
        has_tools: true
    - {id: code, profile: coding, match: {code_fence_ratio_min: 0.3}}
    - {id: word, profile: writing, match: {content_contains: essay}}
    - {id: pattern, profile: writing, match: {content_regex: "(?i)novel"}}
    - {id: long, profile: reasoning, match: {content_token_count_min: 8000}}
    - {id: model, profile: coding, match: {model_pattern: "^qwen"}}
  default_rule_profile: writing
providers:
  - name: ollama-qwen
    kind: openai_compat
    base_url: http://localhost:11434/v1/
    model: qwen2.5-coder:7b
    api_key_env: null
    paid: false
    timeout_s: 120
    extra_body:
      options: {num_ctx: 32768}
    append_system_prompt: "/no_think"
    output_filters: [strip_thinking, strip_stop_markers]
    capabilities:
      chat: true
      streaming: true
      tools: true
      vision: false
      prompt_cache: false
      thinking: false
      reasoning_passthrough: false
      reasoning_control: none
      mcp: none
      openai_compatible: true
  - name: anthropic-direct
    kind: anthropic
    base_url: https://api.anthropic.com
    model: claude-sonnet-4-6
    api_key_env: ANTHROPIC_API_KEY
    paid: true
    capabilities: {prompt_cache: true, thinking: true, reasoning_control: anthropic, mcp: anthropic,
                   openai_compatible: false}
profiles:
  - name: coding
    providers: [ollama-qwen, anthropic-direct]
    timeout_s: 60
    append_system_prompt: ""
  - {name: reasoning, providers: [anthropic-direct]}
  - {name: writing, providers: [ollama-qwen]}
  - {name: multi, providers: [ollama-qwen, not-yet-there]}
"""


def test_a_file_of_1_7_means_what_it_meant() -> None:
    config = load.parse(OF_1_7, "f")

    local, cloud = config.providers
    assert (local.base_url, local.timeout_s, local.api_key_env) == ("http://localhost:11434/v1", 120, None)
    assert local.extra_body == {"options": {"num_ctx": 32768}}
    assert (local.append_system_prompt, local.output_filters) == (
        "/no_think",
        ["strip_thinking", "strip_stop_markers"],
    )
    assert (local.capabilities.tools, local.capabilities.thinking) == (True, False)
    assert (cloud.kind, cloud.paid, cloud.capabilities.thinking) == ("anthropic", True, True)
    assert cloud.capabilities.tools is None
    coding = config.profile("coding")
    assert coding is not None
    assert (coding.timeout_s, coding.append_system_prompt) == (60, "")
    assert config.mode_aliases == {"think": "reasoning", "fast": "coding"}
    assert (config.display_timezone, config.allow_paid) == ("Asia/Tokyo", False)
    assert config.auto_router is not None
    assert [rule.id for rule in config.auto_router.rules] == [
        "images",
        "tools",
        "code",
        "word",
        "pattern",
        "long",
        "model",
    ]
    assert list(config.unknown_providers()) == [("multi", "not-yet-there")]


def test_an_omitted_field_has_its_default() -> None:
    config = load.parse(LEAST, "f")
    [provider] = config.providers
    assert (config.allow_paid, config.default_profile, config.server.body_mib_max) == (False, "default", 32)
    assert (provider.kind, provider.paid, provider.timeout_s) == ("openai_compat", False, 30)
    assert (provider.connect_timeout_s, provider.idle_timeout_s, provider.total_timeout_s) == (5, 120, 3600)


def test_a_file_that_is_not_text_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(ConfigErrors, match=r"providers\.yaml:2: is not UTF-8: has the byte 0xe9; save"):
        load.load(path)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("true", True), ("1", True), (" YES ", True), ("on", True), ("false", False), ("0", False), ("", False)],
)
@pytest.mark.parametrize("in_file", ["true", "false"])
def test_allow_paid_of_the_environment_overrides_the_file(
    value: str, allowed: bool, in_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(LEAST + f"allow_paid: {in_file}\n")
    monkeypatch.setenv("ALLOW_PAID", value)
    assert load.load(path).config.allow_paid is allowed


def test_allow_paid_of_the_file_holds_without_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "providers.yaml"
    path.write_text(LEAST + "allow_paid: true\n")
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    assert load.load(path).config.allow_paid is True


def test_the_first_of_the_usual_places_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    for folder in (here, home / ".coderouter"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("CODEROUTER_CONFIG", raising=False)

    assert load.find(None) is None
    in_home = home / ".coderouter" / "providers.yaml"
    in_home.touch()
    assert load.find(None) == in_home
    Path("providers.yaml").touch()
    assert load.find(None) == Path("providers.yaml")
    named = tmp_path / "named.yaml"
    named.touch()
    monkeypatch.setenv("CODEROUTER_CONFIG", str(named))
    assert load.find(None) == named
    given = home / "given.yaml"
    given.touch()
    assert load.find(Path("~/given.yaml")) == given


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="there is no such file; name an existing file with --config"):
        load.find(tmp_path / "none.yaml")


def test_the_built_in_configuration_tries_ollama_and_then_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    loaded = load.load(None)
    assert loaded.path is None
    assert isinstance(loaded.config, Config)
    assert [profile.names for profile in loaded.config.profiles] == [["ollama", "echo"]]


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://user:pw@host:8080/v1", "http://host:8080/v1"),
        ("https://token@host/v1", "https://host/v1"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1"),
    ],
)
def test_a_public_url_holds_no_credentials(url: str, public: str) -> None:
    [provider] = load.parse(LEAST.replace("http://127.0.0.1:11434/v1", url), "f").providers
    assert provider.public_url() == public


def test_a_provider_may_reuse_the_fields_of_another_one() -> None:
    text = """\
providers:
  - &local {name: small, base_url: "http://127.0.0.1:11434/v1", model: s, timeout_s: 90}
  - {<<: *local, name: large, model: l}
profiles:
  - {name: default, providers: [large, small]}
"""
    large = load.parse(text, "f").providers[1]
    assert (large.name, large.model, large.timeout_s) == ("large", "l", 90)
