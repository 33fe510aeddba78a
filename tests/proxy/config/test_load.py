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


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    return caught.value.faults


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
    assert (cloud.kind, cloud.paid, cloud.capabilities.mcp) == ("anthropic", True, "anthropic")
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


def test_what_is_left_out_has_its_default() -> None:
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
    ('api_key_env: ""', "is '': String should have at least 1 character"),
    ("extra_body: [1]", "is [1]: should be a valid dictionary"),
    ("extra_body: {a: {1: 2}}", "cannot be sent as JSON: Dict key must be str"),
    ("extra_body: {a: !!binary aGk=}", "cannot be sent as JSON: Type is not JSON serializable: bytes"),
    ("append_system_prompt: 5", "is 5: should be a valid string"),
]


@pytest.mark.parametrize(("field", "words"), MAY_BE, ids=[field for field, _ in MAY_BE])
def test_a_field_that_cannot_be_says_what_it_is_and_may_be(field: str, words: str) -> None:
    assert faults(with_provider(field)) == [f"f:2: providers[0].{field.partition(':')[0]}: {words}"]


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
def test_a_base_url_that_cannot_be_asked_is_a_fault(url: str) -> None:
    [fault] = faults(LEAST.replace("http://127.0.0.1:11434/v1", url))
    assert fault == (
        f"f:2: providers[0].base_url: {url!r} is not an http(s) URL; write e.g. http://127.0.0.1:11434/v1"
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            "display_timezone: Mars/Base",
            "display_timezone: 'Mars/Base' is not a time zone of the IANA database; write e.g. Europe/Berlin",
        ),
        ("server: {body_mib_max: 0}", "server.body_mib_max: is 0: should be greater than or equal to 1"),
        (
            "default_profile: none",
            "default_profile: names the profile 'none', which is not among the profiles: default",
        ),
        (
            "mode_aliases: {fast: none}",
            "mode_aliases.fast: names the profile 'none', which is not among the profiles: default",
        ),
        (
            "auto_router: {default_rule_profile: none}",
            "auto_router.default_rule_profile: names the profile 'none', which is not among the profiles: default",
        ),
        (
            "auto_router: {default_rule_profile: default, rules: [{id: a, profile: none, match: {has_image: true}}]}",
            "auto_router.rules[0].profile: names the profile 'none', which is not among the profiles: default",
        ),
        (
            "allow_piad: true",
            f"allow_piad: is not a known field; known here are {', '.join(sorted(Config.model_fields))}",
        ),
        ("providers: []", "providers: stands twice; the first one would be lost"),
    ],
)
def test_a_fault_of_the_whole_names_its_place_and_the_way_out(more: str, words: str) -> None:
    assert f"f:5: {words}".replace("f:5: providers: stands", "f:1: providers: stands") in faults(
        LEAST + more + "\n"
    )


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
        ("{has_image: false}", ".has_image: False would never match; write true, or leave the rule out"),
        ("{code_fence_ratio_min: 2}", ".code_fence_ratio_min: is 2: should be less than or equal to 1"),
        (
            "{content_regex: '('}",
            ".content_regex: '(' is not a regular expression: missing ) at position 1",
        ),
    ],
)
def test_a_rule_has_one_matcher_that_can_match(match: str, words: str) -> None:
    rules = f"[{{id: a, profile: default, match: {match}}}]"
    told = faults(LEAST + f"auto_router: {{default_rule_profile: default, rules: {rules}}}\n")
    assert told == [f"f:5: auto_router.rules[0].match{words}"]


def test_auto_needs_the_profiles_of_the_built_in_rules() -> None:
    assert faults(LEAST + "default_profile: auto\n") == [
        f"f:5: default_profile: names the profile '{name}', which is not among the profiles: default"
        for name in ("coding", "multi", "writing")
    ]


TEN_FAULTS = """\
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


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    told = faults(TEN_FAULTS)
    assert [fault.split(": ")[:2] for fault in told] == [
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


def test_a_key_that_stands_twice_is_a_fault_at_any_depth() -> None:
    text = LEAST.replace("model: m}", "model: m, extra_body: {a: {b: 1, b: 2}}}")
    assert faults(text) == ["f:2: providers[0].extra_body.a.b: stands twice; the first one would be lost"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "f: is empty; write a mapping with `providers:` and `profiles:`"),
        ("# nothing yet\n", "f: is empty; write a mapping with `providers:` and `profiles:`"),
        ("- a\n", "f: is a list; write a mapping with `providers:` and `profiles:`"),
        ("Hello", "f: is a str; write a mapping with `providers:` and `profiles:`"),
        ("a: 1\nb: [\n", "f:3: is not YAML: expected the node content, but found '<stream end>'"),
        ("a: 1\n\tb: 2\n", "f:2: is not YAML: found character '\\t' that cannot start any token"),
        ("a: *b\n", "f:1: is not YAML: found undefined alias 'b'"),
        ("a: 1\n---\nb: 2\n", "f:2: is not YAML: but found another document"),
        ("? [a]\n: 1\n", "f:1: is not YAML: found unhashable key"),
        ("a: 2026-99-99\n", "f: is not YAML: month must be in 1..12"),
        ("a: !!python/name:os.system x\n", "f:1: is not YAML: could not determine a constructor for the tag"),
        ("providers: &all [*all]\n", "f: holds itself by an alias; write it out"),
        ("a: " + "[" * 5000, "f: is not YAML: "),
    ],
)
def test_what_is_no_configuration_is_one_fault(text: str, words: str) -> None:
    [fault] = faults(text)
    assert fault.startswith(words)


def test_odd_keys_and_entries_are_faults_and_no_crash() -> None:
    text = (
        "1: 2\non: 3\nproviders: [5, {1: 2}]\nprofiles: [x, {name: {}}]\nmode_aliases: [1]\nauto_router: 5\n"
    )
    assert len(faults(text)) > 5


def test_a_file_that_is_no_text_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "providers.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigErrors, match=r"providers\.yaml: cannot be read: 'utf-8' codec can't decode"):
        load.load(path)


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("true", True), ("1", True), (" YES ", True), ("on", True), ("false", False), ("0", False), ("", False)],
)
@pytest.mark.parametrize("in_file", ["true", "false"])
def test_allow_paid_of_the_environment_wins(
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


def test_a_named_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors, match="there is no such file; name an existing one with --config"):
        load.find(tmp_path / "none.yaml")


def test_the_built_in_configuration_asks_ollama_and_then_echo(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_provider_may_begin_with_the_fields_of_another_one() -> None:
    text = """\
providers:
  - &local {name: small, base_url: "http://127.0.0.1:11434/v1", model: s, timeout_s: 90}
  - {<<: *local, name: large, model: l}
profiles:
  - {name: default, providers: [large, small]}
"""
    large = load.parse(text, "f").providers[1]
    assert (large.name, large.model, large.timeout_s) == ("large", "l", 90)
