"""Each key of CodeRouter 2.19 loads, and the file says what becomes of it."""

from contextlib import suppress

import pytest
import yaml

from coderouter_proxy.config import load
from coderouter_proxy.config.coderouter2.keys import KEYS
from coderouter_proxy.config.schema import Config, Cooldown, Cost, Provider
from coderouter_proxy.config.validation import ConfigErrors
from proxy.config.coderouter2.samples import (
    COST,
    SAMPLES,
    SESSION,
    Sample,
    base,
    combined,
    with_samples,
    words,
    written,
)

LEAST = """\
providers:
  - name: a
    base_url: http://127.0.0.1:1/v1
    model: m
profiles:
  - name: default
    providers: [a]
"""


def read(text: str) -> tuple[Config, dict[str, str]]:
    """Return the configuration, and the word for each key of 2.x by its path."""
    config, notes = load.read(text, "f")
    return config, {note.key.replace("[", ".").replace("]", ""): str(note.verdict) for note in notes}


def provider(**fields: object) -> tuple[Provider, dict[str, str]]:
    data = base()
    data["providers"][0] |= fields
    config, found = read(yaml.safe_dump(data))
    return config.providers[0], found


def profile(fields: str) -> tuple[Config, dict[str, str]]:
    return read(LEAST + "".join(f"    {line}\n" for line in fields.splitlines()))


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.read(text, "f")
    return caught.value.errors


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.shown}={sample.value}"[:60])
def test_a_key_loads_with_its_word(sample: Sample) -> None:
    _, found = read(yaml.safe_dump(with_samples([sample])))
    assert found == words([sample])


@pytest.mark.parametrize("seed", range(40))
def test_twenty_keys_together_load_with_their_words(seed: int) -> None:
    samples = combined(seed)
    _, found = read(written(with_samples(samples), seed))
    assert found == words(samples)


def test_every_key_of_the_table_has_a_sample() -> None:
    with_sample = {
        ".".join("[]" if isinstance(key, int) else key for key in sample.path) for sample in SAMPLES
    }
    of_match = {
        f"auto_router.rules[].match.{name}"
        for sample in SAMPLES
        if "match" in sample.path
        for name in sample.value
    }
    tested = {path.replace(".[]", "[]") for path in with_sample} | of_match
    elsewhere = {f"providers[].credential.{name}" for name in SESSION} | {"providers[].kind"}
    assert [key.path for key in KEYS if not key.is_ours and key.path not in tested | elsewhere] == []


def test_prices_are_ours_and_those_of_the_cache_shares_of_the_input_price() -> None:
    found, _ = provider(cost=COST)
    assert found.cost == Cost(
        input_per_mtok=3,
        output_per_mtok=15,
        cache_read_per_mtok=0.3,
        cache_write_per_mtok=3.75,
        monthly_budget_usd=20,
    )


def test_a_price_that_is_missing_is_unknown() -> None:
    found, words_ = provider(cost={"output_tokens_per_million": 1, "cache_read_discount": 0.5})
    assert found.cost == Cost(output_per_mtok=1)
    assert words_["providers.0.cost.cache_read_discount"] == "no effect"


def test_our_name_beside_that_of_2_decides() -> None:
    found, words_ = provider(cost={"input_tokens_per_million": 3, "input_per_mtok": 4, "output_per_mtok": 5})
    assert found.cost == Cost(input_per_mtok=4, output_per_mtok=5)
    assert words_ == {"providers.0.cost.input_tokens_per_million": "no effect"}


def test_failures_of_2_move_a_provider_to_the_end_of_the_chain() -> None:
    config, _ = profile(
        "backend_health_action: demote\nbackend_health_threshold: 5\nbackend_health_half_open_s: 12.5"
    )
    assert config.profiles[0].cooldown == Cooldown(threshold=10, seconds=12.5)
    config, _ = profile("memory_pressure_action: skip\nmemory_pressure_cooldown_s: 90")
    assert config.profiles[0].cooldown == Cooldown(seconds=90)
    config, _ = profile("backend_health_action: warn\nmemory_pressure_action: 'off'")
    assert config.profiles[0].cooldown is None


def test_a_loop_that_broke_is_refused() -> None:
    config, found = profile("tool_loop_action: break\ntool_loop_threshold: 7")
    assert (config.profiles[0].tool_loop, config.profiles[0].tool_loop_repeats) == ("refuse", 7)
    assert set(found.values()) == {"same"}


def test_the_class_of_a_request_is_read_in_any_case() -> None:
    rule = "{id: r, profile: default, match: {request_class: SubAgent}}"
    config, _ = read(f"{LEAST}auto_router: {{default_rule_profile: default, rules: [{rule}]}}\n")
    assert config.auto_router is not None
    assert config.auto_router.rules[0].match.request_class == "subagent"


def test_a_credential_in_the_environment_is_the_key() -> None:
    found, _ = provider(credential={"source": "env", "env": "XKEY"})
    assert found.api_key_env == "XKEY"
    found, words_ = provider(credential=SESSION)
    assert found.api_key_env is None
    assert words_ == {f"providers.0.credential.{name}": "no effect" for name in SESSION}


def test_what_a_provider_is_declared_to_do_is_kept_beside_what_it_becomes() -> None:
    found, _ = provider(
        capabilities={"vision": True, "tool_choice": False}, max_context_tokens=9, traits={"images": False}
    )
    assert (found.capabilities.vision, found.capabilities.max_context_tokens) == (True, 9)
    assert (found.traits.forced_tool_choice, found.traits.images) == (False, False)


@pytest.mark.parametrize("kind", ["agent_cli", "myplugin"])
def test_a_provider_of_another_kind_is_skipped(kind: str) -> None:
    data = base()
    data["providers"][0] = {"name": "a", "kind": kind, "model": "x", "unheard_of": 1}
    config, notes = load.read(yaml.safe_dump(data, sort_keys=False), "f")
    assert [each.name for each in config.providers] == ["b"]
    assert config.profiles[0].names == ["b"]
    [note] = notes
    assert (note.line, note.is_loss) == (4, True)
    assert "provider 'a' is skipped" in note.text


def test_a_chain_without_any_provider_left_is_noted_and_keeps_its_names() -> None:
    text = LEAST.replace("name: a", "name: a\n    kind: myplugin")
    config, notes = load.read(text, "f")
    assert (config.providers, config.profiles[0].names) == ([], ["a"])
    assert [(note.line, note.is_loss) for note in notes] == [(3, True), (8, True)]


def test_no_provider_at_all_is_an_error_as_ever() -> None:
    assert errors("providers: []\nprofiles: [{name: default, providers: [a]}]\n") == [
        "f:1: providers: is []: should not be empty"
    ]


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ("backend_health_acton: skip", "backend_health_action"),
        ("tool_lop_window: 5", "tool_loop_window"),
        ("timeot_s: 5", "timeout_s"),
    ],
)
def test_a_key_that_neither_has_is_an_error_with_a_suggestion_from_both(typo: str, meant: str) -> None:
    [error] = errors(LEAST + f"    {typo}\n")
    assert error.startswith(
        f"f:8: profiles[0].{typo.partition(':')[0]}: is not a known field; did you mean {meant}?"
    )


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ("credential: {sorce: env}", "credential.sorce: is not a known field; did you mean source?"),
        ("credential: {source: vault}", "credential.source: should be env or cli_session"),
        (
            "cost: {input_tokens_per_million: dear}",
            "cost.input_tokens_per_million: is 'dear': should be a valid number",
        ),
        (
            "cost: {input_tokens_per_million: 1, cache_read_discount: -1}",
            "cost.cache_read_discount: should be a number",
        ),
        (
            "cost: {input_tokens_per_million: [1]}",
            "cost.input_tokens_per_million: is [1]: should be a valid number",
        ),
        ("max_context_tokens: 0", "max_context_tokens: is 0: should be greater than or equal to 1"),
        (
            "capabilities: {tool_choice: maybe}",
            "capabilities.tool_choice: is 'maybe': should be a valid boolean",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error_at_its_own_key_and_line(more: str, error: str) -> None:
    text = LEAST.replace("    model: m\n", f"    model: m\n    {more}\n")
    [found] = errors(text)
    assert found.startswith(f"f:5: providers[0].{error}")


def test_errors_behind_a_skipped_provider_are_at_their_own_lines() -> None:
    text = LEAST.replace("  - name: a\n", "  - {name: x, kind: myplugin}\n  - name: a\n    timeout_s: soon\n")
    [error] = errors(text)
    assert error.startswith("f:4: providers[1].timeout_s: is 'soon'")


@pytest.mark.parametrize("value", ["[1, {a: b}]", "x", "null", "{}", "[]", "12", "1.5", "true"])
@pytest.mark.parametrize(
    "place",
    ["", "providers", "providers[].cost", "providers[].credential", "providers[].capabilities", "profiles[]"],
)
def test_no_value_of_any_key_is_more_than_an_error(place: str, value: str) -> None:
    for key in (key for key in KEYS if key.section == place):
        lines = [f"{key.name}: {value}"]
        if place.count(".") == 1:
            lines = [f"{place.rpartition('.')[2]}: {{{lines[0]}, input_tokens_per_million: {value}}}"]
        text = LEAST.replace("    model: m\n", f"    model: m\n    {lines[0]}\n")
        text = f"{lines[0]}\n{LEAST}" if not place else text
        text = f"{LEAST}    {lines[0]}\n" if place == "profiles[]" else text
        with suppress(ConfigErrors):
            load.read(text, "f")
