"""Settings are merged into an agent's file, and everything else that is in it stays."""

import json
import tomllib
from pathlib import Path

import pytest

from coderouter_proxy.agents.settings_text import CannotMerge, as_text, merged_text
from coderouter_proxy.agents.table import AGENTS, BY_KEY, Target

TARGET = Target(url="http://127.0.0.1:4123", profile='a "quoted" one', context_tokens=32768)
TOML = Path("config.toml")
JSON = Path("settings.json")
CODEX = """\
# mine
model = "gpt-6.1-sol"  # the old one
approval_policy = "never"

[model_providers.coderouter]
base_url = "http://elsewhere/v1"
query_params = { a = "b" }

[mcp_servers.files]
command = "npx"  # stays
"""


@pytest.mark.parametrize("agent", [agent for agent in AGENTS if agent.settings], ids=lambda agent: agent.key)
def test_the_text_of_a_new_file_says_what_the_settings_say(agent: object) -> None:
    assert agent.settings  # type: ignore[attr-defined]
    settings = agent.settings(TARGET)  # type: ignore[attr-defined]
    text = as_text(agent.file, settings)  # type: ignore[attr-defined]
    decoded = tomllib.loads(text) if agent.file.endswith(".toml") else json.loads(text)  # type: ignore[attr-defined]
    assert decoded == settings
    assert "4123" in text


def test_toml_keeps_comments_other_keys_and_other_tables() -> None:
    settings = BY_KEY["codex"].settings
    assert settings
    text = merged_text(TOML, CODEX, settings(TARGET))
    assert "# mine\n" in text
    assert 'command = "npx"  # stays\n' in text
    assert 'approval_policy = "never"\n' in text
    decoded = tomllib.loads(text)
    assert decoded["model"] == "any"
    assert decoded["model_providers"]["coderouter"] == settings(TARGET)["model_providers"]["coderouter"]
    assert merged_text(TOML, text, settings(TARGET)) == text


def test_json_keeps_other_keys_and_replaces_entries_of_lists_by_name() -> None:
    before = {"editor.fontSize": 12, "list": [{"name": "A", "value": "old"}, {"name": "B", "value": "b"}]}
    text = merged_text(JSON, json.dumps(before), {"list": [{"name": "A", "value": "new"}], "deep": {"x": 1}})
    assert json.loads(text) == {
        "editor.fontSize": 12,
        "list": [{"name": "A", "value": "new"}, {"name": "B", "value": "b"}],
        "deep": {"x": 1},
    }


@pytest.mark.parametrize(
    ("path", "before"),
    [
        (JSON, '{"a": 1, // a comment\n}'),
        (JSON, "[]"),
        (JSON, "[" * 100_000),
        (TOML, "model = "),
        (TOML, 'model_providers = { coderouter = { base_url = "x" } }'),
        (TOML, 'model = """\nmodel = 1\n"""'),
        (TOML, '[model_providers]\ncoderouter.base_url = "x"'),
    ],
)
def test_what_cannot_be_merged_safely_is_left_to_the_user(path: Path, before: str) -> None:
    settings = BY_KEY["codex"].settings
    assert settings
    with pytest.raises(CannotMerge, match=rf"^{path} is not plain "):
        merged_text(path, before, settings(TARGET))
