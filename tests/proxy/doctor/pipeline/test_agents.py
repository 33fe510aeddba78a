"""The doctor says which agents on this machine use the proxy, and which point elsewhere."""

from pathlib import Path

import pytest

from coderouter_proxy.doctor.pipeline import agents
from coderouter_proxy.doctor.result import Result

PROXY = "http://127.0.0.1:4000"
CODEX = 'model_provider = "mine"\n[model_providers.mine]\nbase_url = "{}"\n'
OPENCODE = '{{"model": "x/any", "provider": {{"x": {{"options": {{"baseURL": "{}"}}}}}}}}'


@pytest.fixture(autouse=True)
def _home(_environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "CODEX_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


def write(home: Path, place: str, text: str) -> None:
    path = home / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def only() -> Result:
    [result] = agents.check(PROXY)
    return result


def test_without_any_settings_it_says_where_they_are_listed() -> None:
    assert (only().verdict, only().remedy) == ("SKIP", "coderouter env lists agents with their settings")


@pytest.mark.parametrize("url", ["http://127.0.0.1:4000", "http://localhost:4000/"])
def test_claude_code_at_this_proxy_is_as_it_should_be(url: str, tmp_path: Path) -> None:
    write(tmp_path, ".claude/settings.json", f'{{"env": {{"ANTHROPIC_BASE_URL": "{url}"}}}}')
    assert only().verdict == "OK"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:4000/v1", "https://127.0.0.1:4000", "http://localhost:4001", "http://127.0.0.1:x"],
)
def test_a_base_url_on_this_machine_that_is_not_the_proxys_is_corrected(url: str, tmp_path: Path) -> None:
    write(tmp_path, ".claude/settings.json", f'{{"env": {{"ANTHROPIC_BASE_URL": "{url}"}}}}')
    result = only()
    assert result.verdict == "NEEDS_TUNING"
    assert result.message == f"~/.claude/settings.json points to {url}, but the proxy is at {PROXY}"
    assert result.remedy == f"{PROXY}, as in: coderouter env claude"


@pytest.mark.parametrize(
    ("place", "text"), [(".codex/config.toml", CODEX), (".config/opencode/opencode.json", OPENCODE)]
)
def test_codex_and_opencode_have_v1(place: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, place, text.format(f"{PROXY}/v1"))
    assert only().verdict == "OK"
    write(tmp_path, place, text.format("https://me:secret@api.example.com/v1"))
    assert only().verdict == "SKIP"
    assert only().message == f"~/{place} points to https://api.example.com/v1, not to this proxy"


def test_without_v1_only_the_path_of_codex_is_served(tmp_path: Path) -> None:
    write(tmp_path, ".codex/config.toml", CODEX.format(PROXY))
    assert only().verdict == "OK"
    (tmp_path / ".codex/config.toml").unlink()
    write(tmp_path, ".config/opencode/opencode.json", OPENCODE.format(PROXY))
    assert (only().verdict, only().remedy) == ("NEEDS_TUNING", f"{PROXY}/v1, as in: coderouter env opencode")


def test_an_agent_of_its_vendor_is_named_with_how_to_connect_it(tmp_path: Path) -> None:
    write(tmp_path, ".codex/config.toml", 'model = "gpt-6.1-sol"\n')
    assert only().message == "~/.codex/config.toml names no other base URL, so it uses its vendor's API"
    assert only().remedy == "to connect it: coderouter env codex"


def test_variables_of_this_shell_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", PROXY)
    assert only().message == f"$OPENAI_BASE_URL points to {PROXY}, but the proxy is at {PROXY}/v1"


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "{", '{"env": []}', "[1]", '{"env": {"ANTHROPIC_BASE_URL": 1}}']
)
def test_a_file_that_is_not_what_it_should_be_does_no_harm(text: str, tmp_path: Path) -> None:
    write(tmp_path, ".claude/settings.json", text)
    assert only().verdict == "SKIP"
