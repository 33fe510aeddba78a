"""The errors of each field of providers.yaml, word for word."""

import pytest
from pydantic import BaseModel, ValidationError

from coderouter_proxy.config import auto_rules, load, schema
from coderouter_proxy.config.section import field_descriptions
from coderouter_proxy.config.validation import ConfigErrors

LEAST = """\
providers:
  - name: local
    base_url: http://127.0.0.1:11434/v1
    model: m
profiles:
  - name: default
    providers: [local]
"""
OF_PROVIDER, OF_PROFILE, OF_FILE = 5, 8, 8  # the line of a further field of each
PROVIDER, PROFILE = "providers[0]", "profiles[0]"

COST = "cost: {input_per_mtok: 3, output_per_mtok: 15"
COST_FIELDS = (
    "as_of, cache_read_per_mtok, cache_write_per_mtok, input_per_mtok, monthly_budget_usd, output_per_mtok"
)
CAPABILITIES = "max_context_tokens, reasoning_passthrough, thinking, tools, vision"
MATCHERS = (
    "request_class, agent_type, compaction, agent, has_image, has_document, has_tools, has_web_search, has_thinking, "
    "code_fence_ratio_min, cjk_ratio_min, content_contains, content_regex, content_token_count_min, model_pattern"
)


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    return caught.value.errors


def with_provider(field: str) -> str:
    return LEAST.replace("    model: m\n", f"    model: m\n    {field}\n")


FIELDS_OF_PROVIDERS = [
    (
        f"{COST}, monthly_budget_usd: -1}}",
        "cost.monthly_budget_usd: is -1: should be greater than or equal to 0",
    ),
    (
        f"{COST}, cache_read_per_mtok: free}}",
        ("cost.cache_read_per_mtok: is 'free': should be a valid number, unable to parse string as a number"),
    ),
    (f"{COST}, cache_write_per_mtok: .inf}}", "cost.cache_write_per_mtok: is inf: should be a finite number"),
    (
        "cost: {input_per_mtok: .nan, output_per_mtok: 1}",
        "cost.input_per_mtok: is nan: should be a finite number",
    ),
    (f"{COST}, per_image: 1}}", f"cost.per_image: is not a known field; known fields: {COST_FIELDS}"),
    (
        "output_filters: [strip_thoughts]",
        (
            "output_filters[0]: is 'strip_thoughts'; write 'strip_thinking', 'strip_stop_markers', "
            "'strip_tool_call_xml' or 'repair_byte_fallback'"
        ),
    ),
    ("output_filters: strip_thinking", "output_filters: is 'strip_thinking': should be a valid list"),
    (
        "capabilities: {thinking: deep}",
        ("capabilities.thinking: is 'deep': should be a valid boolean, unable to interpret input"),
    ),
    (
        "capabilities: {visoin: true}",
        f"capabilities.visoin: is not a known field; did you mean vision? known fields: {CAPABILITIES}",
    ),
    ("max_output_tokens: 0", "max_output_tokens: is 0: should be greater than or equal to 1"),
    ("set_params: {stream: true}", "set_params: has 'stream', which the router decides; remove it"),
    (
        "drop_params: [messages]",
        "drop_params: ['messages'] has 'messages', which the router decides; remove it",
    ),
    ("drop_params: top_p", "drop_params: is 'top_p': should be a valid list"),
    ("headers: {X-N: 1}", "headers.X-N: is 1: should be a valid string; write it in quotes"),
    (
        'headers: {"X N": v}',
        "headers: 'X N' is not the name of a header; write letters, digits and hyphens",
    ),
    ("headers: {Host: v}", "headers: 'Host' is set by the router; remove it"),
    ("headers: {content-length: v}", "headers: 'content-length' is set by the router; remove it"),
    ("headers: {X-A: v, x-a: w}", "headers: 'x-a' is there twice; remove one of them"),
    (
        'headers: {X-A: "a\\r\\nb"}',
        "headers: header 'X-A': its value has line breaks or characters beyond Latin-1; remove them",
    ),
    (
        "headers: {X-A: 'Bearer ${MISSING_NAME}'}",
        "headers: header 'X-A': the environment variable 'MISSING_NAME' is not set; set it",
    ),
    (
        "headers: {Authorization: v}\n    api_key_env: K",
        "headers: has 'Authorization' beside api_key_env, which sets it; remove one of them",
    ),
    (
        "traits: {efforts: [huge]}",
        "traits.efforts[0]: is 'huge'; write 'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'",
    ),
    ("total_timeout_s: 86401", "total_timeout_s: is 86401: should be less than or equal to 86400"),
]

FIELDS_OF_PROFILES = [
    ("cooldown: {threshold: 0}", "cooldown.threshold: is 0: should be greater than or equal to 1"),
    ("cooldown: {seconds: 0}", "cooldown.seconds: is 0: should be greater than 0"),
    ("cooldown: {seconds: 86401}", "cooldown.seconds: is 86401: should be less than or equal to 86400"),
    ("cooldown: {tries: 2}", "cooldown.tries: is not a known field; known fields: seconds, threshold"),
    ("cooldown: true", "cooldown: is True: should be a mapping"),
    ("timeout_s: 0", "timeout_s: is 0: should be greater than 0"),
]

FIELDS_OF_THE_FILE = [
    ('server: {api_keys_env: ""}', "server.api_keys_env: is '': should not be empty"),
    ("server: {api_keys_env: [A, B]}", "server.api_keys_env: is ['A', 'B']: should be a valid string"),
    ("server: {allowed_hosts: devbox}", "server.allowed_hosts: is 'devbox': should be a valid list"),
    (
        'server: {allowed_hosts: [""]}',
        "server.allowed_hosts[0]: is '': should not be empty",
    ),
    ("server: {body_mib_max: 1025}", "server.body_mib_max: is 1025: should be less than or equal to 1024"),
    (
        "server: {cors: true}",
        (
            "server.cors: is not a known field; known fields: allowed_hosts, api_keys_env, bodies_mib_max,"
            " body_mib_max, exporter_url"
        ),
    ),
    ("model_map: {'*': 5}", "model_map.*: is 5: should be a valid string; write it in quotes"),
    ("mode_aliases: {fast: [default]}", "mode_aliases.fast: is ['default']: should be a valid string"),
]

MATCHES = [
    ("{}", f": has no matcher; write at least one of {MATCHERS}"),
    ("{has_image: null}", f": has no matcher; write at least one of {MATCHERS}"),
    (
        "{request_class: side}",
        ".request_class: is 'side'; write 'main', 'subagent', 'workflow', 'compaction', 'auxiliary' or 'side_reply'",
    ),
    ("{compaction: false}", ".compaction: False would never match; write true or remove the rule"),
    ("{cjk_ratio_min: 2}", ".cjk_ratio_min: is 2: should be less than or equal to 1"),
    ("{has_tools: false}", ".has_tools: False would never match; write true or remove the rule"),
    ("{code_fence_ratio_min: -0.1}", ".code_fence_ratio_min: is -0.1: should be greater than or equal to 0"),
    ("{content_contains: ''}", ".content_contains: is '': should not be empty"),
    ("{content_token_count_min: 0}", ".content_token_count_min: is 0: should be greater than or equal to 1"),
    (
        "{content_regex: '[a'}",
        ".content_regex: '[a' is not a valid regular expression: unterminated character set at position 2",
    ),
    (
        "{model_pattern: '*'}",
        ".model_pattern: '*' is not a valid regular expression: nothing to repeat at position 0",
    ),
]


@pytest.mark.parametrize(("field", "words"), FIELDS_OF_PROVIDERS, ids=[f for f, _ in FIELDS_OF_PROVIDERS])
def test_a_field_of_a_provider_says_what_it_is_and_may_be(field: str, words: str) -> None:
    assert errors(with_provider(field)) == [f"f:{OF_PROVIDER}: {PROVIDER}.{words}"]


@pytest.mark.parametrize(("field", "words"), FIELDS_OF_PROFILES, ids=[f for f, _ in FIELDS_OF_PROFILES])
def test_a_field_of_a_profile_says_what_it_is_and_may_be(field: str, words: str) -> None:
    assert errors(f"{LEAST}    {field}\n") == [f"f:{OF_PROFILE}: {PROFILE}.{words}"]


@pytest.mark.parametrize(("field", "words"), FIELDS_OF_THE_FILE, ids=[f for f, _ in FIELDS_OF_THE_FILE])
def test_a_field_of_the_file_says_what_it_is_and_may_be(field: str, words: str) -> None:
    assert errors(f"{LEAST}{field}\n") == [f"f:{OF_FILE}: {words}"]


@pytest.mark.parametrize(("match", "words"), MATCHES, ids=[match for match, _ in MATCHES])
def test_a_rule_has_matchers_that_can_match(match: str, words: str) -> None:
    rules = f"[{{id: a, profile: default, match: {match}}}]"
    found = errors(f"{LEAST}auto_router: {{default_rule_profile: default, rules: {rules}}}\n")
    assert found == [f"f:{OF_FILE}: auto_router.rules[0].match{words}"]


@pytest.mark.parametrize("pattern", [r"(?P<a>x)(?(a)y", r"\p{NoSuchProperty}", r"(?a)x(?L)y"])
def test_a_pattern_is_checked_by_the_library_that_will_run_it(pattern: str) -> None:
    rules = f"[{{id: a, profile: default, match: {{content_regex: '{pattern}'}}}}]"
    [error] = errors(f"{LEAST}auto_router: {{default_rule_profile: default, rules: {rules}}}\n")
    assert "is not a valid regular expression" in error


@pytest.mark.parametrize("end", ["?api-version=1", "#top", "?", "/v1?key=sk-abcdefghijklmnop"])
def test_a_base_url_has_no_query_because_paths_are_appended(end: str) -> None:
    [error] = errors(LEAST.replace("11434/v1", f"11434{end}"))
    assert error.startswith("f:3: providers[0].base_url: 'http://127.0.0.1:11434")
    assert error.endswith(
        "' has a query or fragment; remove everything from ? or # on, because paths are appended"
    )
    assert "abcdefghijklmnop" not in error


@pytest.mark.parametrize("url", ["http://user:pa55word@host:99999/v1", "http://host/v1?key=pa55word"])
def test_an_error_shows_no_key(url: str) -> None:
    [error] = errors(LEAST.replace("http://127.0.0.1:11434/v1", url))
    assert "pa55word" not in error


@pytest.mark.parametrize("kind", ["openai_compat", "anthropic"])
@pytest.mark.parametrize(
    ("field", "example"), [("base_url", "http://127.0.0.1:11434/v1"), ("model", "qwen2.5-coder:7b")]
)
def test_every_kind_but_echo_needs_a_base_url_and_a_model(kind: str, field: str, example: str) -> None:
    entry = {"name": "x", "kind": kind, "base_url": "http://h/v1", "model": "m"}
    del entry[field]
    assert errors(f"providers: [{entry}]\nprofiles: [{{name: default, providers: [x]}}]\n") == [
        f"f:1: providers[0].{field}: provider 'x' has no {field}; add e.g. {field}: {example}"
    ]
    with pytest.raises(ValidationError, match=f"(?m)^{field}\n  Field required"):
        schema.Provider.model_validate(entry)


def test_a_nameless_provider_without_a_model_says_so_too() -> None:
    assert errors(LEAST.replace("name: local", "paid: true").replace("    model: m\n", "")) == [
        "f:2: providers[0].model: is missing; add e.g. model: qwen2.5-coder:7b",
        "f:2: providers[0].name: is missing; add it",
    ]


def test_echo_needs_neither_base_url_nor_model_and_keeps_those_that_it_has() -> None:
    echo = schema.Provider.model_validate({"name": "e", "kind": "echo"})
    assert (echo.base_url, echo.public_url(), echo.model) == ("", "", "echo")
    named = {"name": "e", "kind": "echo", "base_url": "http://h/v1/", "model": "m"}
    echo = schema.Provider.model_validate(named)
    assert (echo.base_url, echo.model) == ("http://h/v1", "m")
    [error] = errors(LEAST.replace("name: local", "name: local\n    kind: echo").replace("http://", ""))
    assert "is not an http(s) URL" in error


def test_auto_is_reserved() -> None:
    assert errors(f"{LEAST}  - {{name: auto, providers: [local]}}\n") == [
        "f:8: profiles[1].name: 'auto' is reserved for the auto router; choose another name"
    ]


@pytest.mark.parametrize(
    ("router", "missing"),
    [
        ("{default_rule_profile: default}", ["coding", "multi"]),
        ("{default_rule_profile: default, disabled: true}", []),
        ("{default_rule_profile: default, rules: [{id: a, profile: default, match: {has_image: true}}]}", []),
    ],
)
def test_built_in_rules_need_their_profiles_where_they_are_used(router: str, missing: list[str]) -> None:
    text = f"{LEAST}default_profile: auto\nauto_router: {router}\n"
    if not missing:
        assert load.parse(text, "f").default_profile == "auto"
        return
    assert errors(text) == [
        f"f:8: default_profile: there is no profile '{name}'; known profiles: default" for name in missing
    ]


@pytest.mark.parametrize(
    "section",
    [
        schema.Config,
        schema.Server,
        schema.Provider,
        schema.Capabilities,
        schema.Cost,
        schema.Profile,
        schema.Cooldown,
        auto_rules.AutoRouter,
        auto_rules.AutoRule,
        auto_rules.Match,
    ],
)
def test_every_field_says_what_it_does(section: type[BaseModel]) -> None:
    described = field_descriptions(section)
    assert list(described) == list(section.model_fields)
    assert all(text.endswith(".") for text in described.values())
