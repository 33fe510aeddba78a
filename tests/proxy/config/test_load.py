from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors

LEAST = """\
providers:
  - {name: local, base_url: "http://127.0.0.1:11434/v1", model: m}
profiles:
  - {name: default, providers: [local]}
"""

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


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    return caught.value.errors


def with_provider(fields: str) -> str:
    return LEAST.replace("model: m", f"model: m, {fields}")


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


MAY_BE: list[tuple[str, str]] = [
    ("timeout_s: 0", "is 0: should be greater than 0"),
    ("timeout_s: 3601", "is 3601: should be less than or equal to 3600"),
    ("timeout_s: .nan", "is nan: should be less than or equal to 3600"),
    ("timeout_s: soon", "is 'soon': should be a valid number, unable to parse string as a number"),
    ("paid: perhaps", "is 'perhaps': should be a valid boolean, unable to interpret input"),
    ("kind: ollama", "is 'ollama'; write 'openai_compat', 'anthropic' or 'echo'"),
    ('api_key_env: ""', "is '': should not be empty"),
    ("extra_body: [1]", "is [1]: should be a mapping"),
    ("extra_body: {a: {1: 2}}", "cannot be sent as JSON: Dict key must be str"),
    ("extra_body: {a: !!binary aGk=}", "cannot be sent as JSON: Type is not JSON serializable: bytes"),
    ("append_system_prompt: 5", "is 5: should be a valid string"),
]


@pytest.mark.parametrize(("field", "words"), MAY_BE, ids=[field for field, _ in MAY_BE])
def test_a_field_that_cannot_be_says_what_it_is_and_may_be(field: str, words: str) -> None:
    assert errors(with_provider(field)) == [f"f:2: providers[0].{field.partition(':')[0]}: {words}"]


@pytest.mark.parametrize(
    "url",
    [
        "localhost:11434",
        "ftp://host/v1",
        "http://",
        "/v1",
        "http://host:99999/v1",
        "http://host:http/v1",
        "http://[::1",
    ],
)
def test_a_base_url_that_is_not_one_is_an_error(url: str) -> None:
    [error] = errors(LEAST.replace("http://127.0.0.1:11434/v1", url))
    assert error == (
        f"f:2: providers[0].base_url: {url!r} is not an http(s) URL; write e.g. http://127.0.0.1:11434/v1"
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            "display_timezone: Mars/Base",
            "display_timezone: 'Mars/Base' is not an IANA time zone; write e.g. Europe/Berlin",
        ),
        ("server: {body_mib_max: 0}", "server.body_mib_max: is 0: should be greater than or equal to 1"),
        (
            "default_profile: none",
            "default_profile: there is no profile 'none'; known profiles: default",
        ),
        (
            "mode_aliases: {fast: none}",
            "mode_aliases.fast: there is no profile 'none'; known profiles: default",
        ),
        (
            "auto_router: {default_rule_profile: none}",
            "auto_router.default_rule_profile: there is no profile 'none'; known profiles: default",
        ),
        (
            "auto_router: {default_rule_profile: default, rules: [{id: a, profile: none, match: {has_image: true}}]}",
            "auto_router.rules[0].profile: there is no profile 'none'; known profiles: default",
        ),
        (
            "allow_piad: true",
            f"allow_piad: is not a known field; known fields: {', '.join(sorted(Config.model_fields))}",
        ),
        ("providers: []", "providers: is duplicated; the first value would be ignored"),
    ],
)
def test_an_error_outside_providers_names_its_place_and_what_to_write(more: str, words: str) -> None:
    line = 1 if words.startswith("providers: is duplicated") else 5
    assert f"f:{line}: {words}" in errors(LEAST + more + "\n")


MATCHERS = (
    "has_image, has_tools, code_fence_ratio_min, content_contains, content_regex, content_token_count_min, "
    "model_pattern"
)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("{}", f": has no matcher; write exactly one of {MATCHERS}"),
        (
            "{has_image: true, has_tools: true}",
            f": has 2 matchers (has_image, has_tools); write exactly one of {MATCHERS}",
        ),
        ("{has_image: false}", ".has_image: False would never match; write true or remove the rule"),
        ("{code_fence_ratio_min: 2}", ".code_fence_ratio_min: is 2: should be less than or equal to 1"),
        (
            "{content_regex: '('}",
            ".content_regex: '(' is not a valid regular expression: missing ) at position 1",
        ),
    ],
)
def test_a_rule_has_one_matcher_that_can_match(match: str, words: str) -> None:
    rules = f"[{{id: a, profile: default, match: {match}}}]"
    found = errors(LEAST + f"auto_router: {{default_rule_profile: default, rules: {rules}}}\n")
    assert found == [f"f:5: auto_router.rules[0].match{words}"]


def test_auto_needs_the_profiles_of_the_built_in_rules() -> None:
    assert errors(LEAST + "default_profile: auto\n") == [
        f"f:5: default_profile: there is no profile '{name}'; known profiles: default"
        for name in ("coding", "multi", "writing")
    ]


ELEVEN_ERRORS = """\
default_profile: coding
display_timezone: Mars
mode_aliases:
  fast: none
providers:
  - name: a
    base_url: nowhere
    model: m
    timeout_s: -1
  - name: a
    kind: ollama
    capabilities:
      visoin: true
    base_url: http://h/v1
  - kind: echo
profiles:
  - name: default
    providers: a
"""


def test_all_errors_are_reported_at_once_in_the_order_of_the_file() -> None:
    found = errors(ELEVEN_ERRORS)
    assert [error.split(": ")[:2] for error in found] == [
        ["f:1", "default_profile"],
        ["f:2", "display_timezone"],
        ["f:4", "mode_aliases.fast"],
        ["f:7", "providers[0].base_url"],
        ["f:9", "providers[0].timeout_s"],
        ["f:10", "providers[1].model"],
        ["f:10", "providers[1].name"],
        ["f:11", "providers[1].kind"],
        ["f:13", "providers[1].capabilities.visoin"],
        ["f:15", "providers[2].name"],
        ["f:18", "profiles[0].providers"],
    ]


def test_a_duplicate_key_is_an_error_at_any_depth() -> None:
    text = LEAST.replace("model: m}", "model: m, extra_body: {a: {b: 1, b: 2}}}")
    assert errors(text) == [
        "f:2: providers[0].extra_body.a.b: is duplicated; the first value would be ignored"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "f: is empty; write a mapping with `providers:` and `profiles:`"),
        ("# nothing yet\n", "f: is empty; write a mapping with `providers:` and `profiles:`"),
        ("- a\n", "f: is not a mapping; write a mapping with `providers:` and `profiles:`"),
        ("Hello", "f: is not a mapping; write a mapping with `providers:` and `profiles:`"),
        ("a: 1\nb: [\n", "f:3: is not YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\n\tb: 2\n", "f:2: is not YAML: found character '\\t' that cannot start any token"),
        ("a: *b\n", "f:1: is not YAML: found undefined alias 'b'"),
        ("a: 1\n---\nb: 2\n", "f:2: is not YAML: but found another document"),
        ("? [a]\n: 1\n", "f:1: is not YAML: found unhashable key"),
        ("a: 2026-99-99\n", "f: is not YAML: month must be in 1..12"),
        ("a: !!python/name:os.system x\n", "f:1: is not YAML: could not determine a constructor for the tag"),
        ("providers: &all [*all]\n", "f: contains itself through a YAML alias; write it out"),
        ("a: " + "[" * 5000, "f: is not YAML: "),
    ],
)
def test_a_text_that_is_not_a_configuration_is_one_error(text: str, words: str) -> None:
    [error] = errors(text)
    assert error.startswith(words)


def test_odd_keys_and_entries_are_errors_and_not_a_crash() -> None:
    text = (
        "1: 2\non: 3\nproviders: [5, {1: 2}]\nprofiles: [x, {name: {}}]\nmode_aliases: [1]\nauto_router: 5\n"
    )
    assert len(errors(text)) > 5


def test_a_file_that_is_not_text_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigErrors, match=r"providers\.yaml: cannot be read: 'utf-8' codec can't decode"):
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
    with pytest.raises(ConfigErrors, match="there is no such file; name an existing one with --config"):
        load.find(tmp_path / "none.yaml")


def test_the_built_in_configuration_tries_ollama_and_then_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    loaded = load.load(None)
    assert loaded.path is None
    assert isinstance(loaded.config, Config)
    assert [profile.providers for profile in loaded.config.profiles] == [["ollama", "echo"]]


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
