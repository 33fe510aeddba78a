"""A key that was pasted where a name belongs is an error, which shows its first four characters."""

import json
from pathlib import Path

import pytest
import yaml

from coderouter_proxy.config import load
from coderouter_proxy.config.validation import ConfigErrors
from coderouter_proxy.redact import looks_like_key
from support.proxy.process import failed_start, write_config
from support.run_command import coderouter

KEYS = {
    "OpenAI": "sk-proj-Zx9Kq2mT7vB4nR8sW1yC5dF0gH3jL6pA",
    "Anthropic": "sk-ant-api03-pQ7xV2mK9tR4wZ8bN1cY5fH0jL3sD6gA-_k",
    "Groq": "gsk_8Hq2ZtYw5Kx9Rb7Nc3Vm1Lp4Sd6Fg0JhQeWr",
    "Google": "AIzaSyD3x8Qv5Kp2Rm7Tn9Bw4Zc6Lf1Hj0Gs",
    "Hugging Face": "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",
    "Mistral": "k3Jx9Qv5Zp2Rm7Tn8Bw4Yc6Lf1Hd0GsA",
    "hexadecimal": "9f86d081884c7d659a2feaa0c55ad015",
}
NAMES = (
    *("ANTHROPIC_API_KEY", "key2", "_k", "my_team_2_key_for_gpt4o_mini", "OpenAiKeyOfTheSecondTeam2026"),
    *("xai-grok-4-fast-reasoning", "hf-inference-qwen3-coder-30b", "claude-opus-4-1-20250805", "gpu-box-17"),
    *("ollama", "deepseek-r1-distill-qwen-32b-awq", "日本語", "a" * 64, "rk-3588-board", "sk-hynix-server-1"),
)
PLACES = (
    ("providers", 0, "api_key_env"),
    ("providers", 0, "name"),
    ("providers", 0, "headers", "X-Key"),
    ("profiles", 0, "name"),
    ("profiles", 0, "providers", 0),
    ("default_profile",),
    ("server", "api_keys_env"),
    ("mode_aliases", "fast"),
)


def with_value(place: tuple[str | int, ...], value: str) -> str:
    document: dict[str, object] = {
        "providers": [{"name": "a", "base_url": "http://127.0.0.1:1/v1", "model": "m", "headers": {}}],
        "profiles": [{"name": "default", "providers": ["a"]}],
        "server": {},
        "mode_aliases": {},
    }
    section: object = document
    for step in place[:-1]:
        section = section[step]  # type: ignore[index]
    section[place[-1]] = f"${{{value}}}" if "headers" in place else value  # type: ignore[index]
    return yaml.safe_dump(document)


def errors_of(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    return caught.value.errors


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_pasted_key_is_an_error_that_shows_four_characters(place: tuple[str | int, ...], key: str) -> None:
    errors = errors_of(with_value(place, key))
    assert any(f"'{key[:4]}…' looks like a key" in error for error in errors)
    assert key[:5] not in "\n".join(errors)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_key_as_the_name_of_a_field_or_header_is_not_shown(key: str) -> None:
    base = {"name": "a", "base_url": "http://127.0.0.1:1/v1", "model": "m"}
    profiles = [{"name": "default", "providers": ["a"]}]
    for provider in (base | {key: "x"}, base | {"headers": {key: "x"}}):
        errors = errors_of(yaml.safe_dump({"providers": [provider], "profiles": profiles}))
        assert key[:5] not in "\n".join(errors)
    text = yaml.safe_dump({"providers": [base], "profiles": profiles, "mode_aliases": {key: "default"}})
    assert key[:5] not in "\n".join(errors_of(text))


@pytest.mark.parametrize("value", ["sk-short", "my key", "KEY-1", "1KEY", "$KEY", "é"])
def test_what_cannot_be_the_name_of_a_variable_is_an_error_as_well(value: str) -> None:
    [error] = errors_of(with_value(("providers", 0, "api_key_env"), value))
    assert error.endswith(
        f"api_key_env: {value[:4] + '…'!r} is not the name of an environment variable; write e.g. OPENAI_API_KEY"
    )


@pytest.mark.parametrize("name", NAMES)
def test_names_do_not_look_like_keys(name: str) -> None:
    assert not looks_like_key(name)
    config = load.parse(with_value(("mode_aliases", "fast"), "default").replace("fast", name), "f")
    assert list(config.mode_aliases) == [name]


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(KEYS["OpenAI"], id="OpenAI"),
        pytest.param(KEYS["Mistral"], id="Mistral", marks=pytest.mark.long),
    ],
)
def test_no_command_and_no_log_shows_a_pasted_key(key: str, tmp_path: Path) -> None:
    path = write_config(tmp_path, with_value(("providers", 0, "api_key_env"), key))
    shown = [failed_start(tmp_path)]
    for arguments in (("check-config",), ("check-config", "--json"), ("doctor",), ("doctor", "--check-env")):
        ended = coderouter(tmp_path, *arguments)
        assert ended.code != 0
        shown.append(ended.stdout + ended.stderr)
    faults = json.loads(coderouter(tmp_path, "check-config", "--json").stdout)["faults"]
    assert faults == [line.removeprefix("coderouter: ") for line in shown[0].splitlines()]
    assert path.name in faults[0]
    assert all(key[:5] not in text for text in shown)
    assert all(key[:4] in text for text in shown[:-1])
    assert "what looks like a key is at providers[0].api_key_env" in " ".join(shown[-1].split())
