"""What is wrong in a providers.yaml is reported at once, each error with its line and what to write instead."""

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.config.validation import ConfigErrors
from support.proxy.least_config import LEAST


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    return caught.value.errors


def with_provider(fields: str) -> str:
    return LEAST.replace("model: m", f"model: m, {fields}")


MAY_BE: list[tuple[str, str]] = [
    ("timeout_s: 0", "is 0: should be greater than 0"),
    ("timeout_s: 86401", "is 86401: should be less than or equal to 86400"),
    ("timeout_s: .nan", "is nan: should be less than or equal to 86400"),
    ("timeout_s: soon", "is 'soon': should be a valid number, unable to parse string as a number"),
    ("paid: perhaps", "is 'perhaps': should be a valid boolean, unable to interpret input"),
    ("kind: ollama", "is 'ollama'; write 'openai_compat', 'anthropic', 'openai_responses' or 'echo'"),
    ("extra_body: [1]", "is [1]: should be a mapping"),
    ("extra_body: {a: {1: 2}}", "cannot be sent as JSON: Dict key must be str"),
    ("extra_body: {a: !!binary aGk=}", "cannot be sent as JSON: Type is not JSON serializable: bytes"),
    ("append_system_prompt: 5", "is 5: should be a valid string; write it in quotes"),
    ("append_system_prompt: no", "is False: should be a valid string; write it in quotes"),
    ("append_system_prompt: 2026-01-02", "is 2026-01-02: should be a valid string; write it in quotes"),
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
            'model_map: {"claude-*": none}',
            "model_map.claude-*: there is no profile 'none'; known profiles: default",
        ),
        ('model_map: {"*": auto}', "model_map.*: there is no profile 'writing'; known profiles: default"),
        ('model_map: {"*": auto}', "model_map.*: there is no profile 'coding'; known profiles: default"),
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
            (
                "allow_piad: is not a known field; did you mean allow_paid? "
                f"known fields: {', '.join(sorted(Config.model_fields))}"
            ),
        ),
        ("providers: []", "providers: is duplicated; the first value would be ignored"),
    ],
)
def test_an_error_outside_providers_names_its_place_and_what_to_write(more: str, words: str) -> None:
    line = 1 if words.startswith("providers: is duplicated") else 5
    assert f"f:{line}: {words}" in errors(LEAST + more + "\n")


MATCHERS = (
    "request_class, agent_type, compaction, agent, has_image, has_document, has_tools, has_web_search, has_thinking, "
    "code_fence_ratio_min, cjk_ratio_min, content_contains, content_regex, content_token_count_min, model_pattern"
)


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("{}", f": has no matcher; write at least one of {MATCHERS}"),
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
        ("a: 1\n---\nb: 2\n", "f:2: is not YAML: but found another document; keep what is before"),
        ("a: \n  b: 'c\nd: 1\n", "f:2: is not YAML: a text in quotes begins here and does not end"),
        ("a: 1\nb: \0\n", "f:2: is not YAML: has the character U+0000; remove it"),
        ("? [a]\n: 1\n", "f:1: is not YAML: found unhashable key"),
        (
            "a: 1\nb: 2026-99-99\n",
            "f:2: 2026-99-99 is no date: month must be in 1..12; if it is text, write it in quotes",
        ),
        ("a: !!python/name:os.system x\n", "f:1: is not YAML: could not determine a constructor for the tag"),
        (
            "a: !env B\n",
            "f:1: is not YAML: could not determine a constructor for the tag '!env'; write the value",
        ),
        ("providers: &all [*all]\n", "f:1: contains itself through a YAML alias; write it out"),
        ("a: " + "[" * 1000, "f:1: is nested more than 100 levels deep"),
    ],
)
def test_a_text_that_is_not_a_configuration_is_one_error(text: str, words: str) -> None:
    [error] = errors(text)
    assert error.startswith(words)


def test_odd_keys_and_entries_are_errors_and_not_a_crash() -> None:
    text = (
        "1: 2\non: 3\nproviders: [5, {1: 2}]\nprofiles: [x, {name: {}}]\nmode_aliases: [1]\nmodel_map: [1]\n"
        "auto_router: 5\n"
    )
    assert len(errors(text)) > 5


@pytest.mark.parametrize(
    ("chain", "found"),
    [
        ("[5]", "[0]: is 5: should be a valid string; write it in quotes"),
        ("[{a: 1}]", "[0]: is {'a': 1}: should be a valid string"),
        ("[[]]", "[0]: is []: should not be empty"),
        ("[[a, [a]]]", "[0][1]: is ['a']: should be a valid string"),
        ("[a, [a, a]]", "[1]: ['a', 'a'] has 'a' twice; remove one of them"),
        ("[[{name: a, weight: 0}]]", "[0][0].weight: is 0: should be greater than 0"),
        ("[[{weight: 1}]]", "[0][0].name: is missing; add it"),
        ("[[{name: a, heavy: 1}]]", "[0][0].heavy: is not a known field; known fields: name, weight"),
    ],
)
def test_an_error_in_a_chain_is_at_its_place(chain: str, found: str) -> None:
    text = LEAST.replace("providers: [local]}", f"providers: {chain}}}")
    assert text != LEAST
    assert errors(text) == [f"f:4: profiles[0].providers{found}"]
