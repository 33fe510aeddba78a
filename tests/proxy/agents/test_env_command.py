"""`coderouter env`: what it prints can be used as it is, and it writes only after a look, a question and a backup."""

import json
import subprocess
from pathlib import Path

import pytest

from coderouter_proxy.agents.table import AGENTS
from support.processes import SCRIPTS
from support.proxy import process
from support.run_command import coderouter, coderouter_at_terminal

SETTINGS = ".claude/settings.json"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / SETTINGS
    path.parent.mkdir()
    path.write_text('{"model": "opus", "env": {"MY_OWN": "1"}}')
    path.chmod(0o640)
    return path


def test_without_an_agent_they_are_listed(tmp_path: Path) -> None:
    shown = coderouter(tmp_path, "env").stdout
    assert [line.split()[0] for line in shown.splitlines()] == [agent.key for agent in AGENTS]


def test_variables_can_be_evaluated_by_a_shell(tmp_path: Path) -> None:
    script = f'eval "$({SCRIPTS}/coderouter env claude --profile coding --context 32768)"; env'
    shown = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = shown.stdout.splitlines()
    for expected in (
        "ANTHROPIC_BASE_URL=http://127.0.0.1:4000",
        "ANTHROPIC_AUTH_TOKEN=unused",
        "ANTHROPIC_CUSTOM_HEADERS=X-CodeRouter-Profile: coding",
        "CLAUDE_CODE_GATEWAY_HINT_HEADERS=1",
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS=32768",
    ):
        assert expected in lines


@pytest.mark.long
def test_the_port_of_the_environment_is_in_every_line(tmp_path: Path) -> None:
    for agent in AGENTS:
        shown = coderouter(tmp_path, "env", agent.key, env={"CODEROUTER_PORT": "4123"})
        assert shown.code == 0, shown.stderr
        assert ":4123" in shown.stdout, agent.key
        assert ":4000" not in shown.stdout, agent.key


@pytest.mark.parametrize(("chain", "context"), [(["a", "b"], "20000"), (["a", "b", "unknown"], None)])
def test_the_context_is_the_smallest_of_the_profiles_providers_if_all_are_known(
    chain: list[str], context: str | None, tmp_path: Path
) -> None:
    providers = [process.provider(name, "http://127.0.0.1:1/v1") for name in ("a", "b", "unknown")]
    providers[0]["extra_body"] = {"options": {"num_ctx": 32768}}
    providers[1]["extra_body"] = {"options": {"num_ctx": 20000}}
    process.write_config(tmp_path, process.config([*providers], {"default": chain}))
    shown = coderouter(tmp_path, "env", "claude").stdout
    assert (f"export CLAUDE_CODE_MAX_CONTEXT_TOKENS={context}\n" in shown) == (context is not None)
    assert ("MAX_CONTEXT" in shown) == (context is not None)


def test_it_asks_shows_the_diff_and_keeps_a_backup(mine: Path, tmp_path: Path) -> None:
    before = mine.read_text()
    question = f"Write this into {mine}? [y/N]: "
    ended = coderouter_at_terminal(
        tmp_path, "env", "claude", "--write", types=[(question, "y\n")], columns=200
    )
    assert ended.code == 0, ended.stdout
    assert '+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000",' in ended.stdout
    written = json.loads(mine.read_text())
    assert written["model"] == "opus"
    assert written["env"]["MY_OWN"] == "1"
    assert written["env"]["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:4000"
    assert mine.with_name("settings.json.bak").read_text() == before
    assert mine.stat().st_mode & 0o777 == 0o640


def test_no_is_no(mine: Path, tmp_path: Path) -> None:
    before = mine.read_text()
    question = f"Write this into {mine}? [y/N]: "
    ended = coderouter_at_terminal(
        tmp_path, "env", "claude", "--write", types=[(question, "\n")], columns=200
    )
    assert ended.code == 1
    assert mine.read_text() == before
    assert [path.name for path in mine.parent.iterdir()] == ["settings.json"]


def test_without_a_terminal_it_writes_only_with_yes(tmp_path: Path) -> None:
    refused = coderouter(tmp_path, "env", "claude", "--write")
    assert refused.code == 2
    assert "to write" in refused.stderr
    assert "without being asked, add --yes" in " ".join(refused.stderr.split())
    assert not (tmp_path / SETTINGS).exists()
    assert coderouter(tmp_path, "env", "claude", "--write", "--yes").code == 0
    assert (tmp_path / SETTINGS).stat().st_mode & 0o777 == 0o600
    assert "needs no change" in coderouter(tmp_path, "env", "claude", "--write").stdout


def test_a_file_with_comments_is_left_alone_and_what_to_add_is_shown(mine: Path, tmp_path: Path) -> None:
    mine.write_text('{"model": "opus" /* mine */}')
    ended = coderouter(tmp_path, "env", "claude", "--write", "--yes")
    assert ended.code == 3
    assert "is not plain JSON" in ended.stderr
    assert "add this by hand" in ended.stderr
    assert "export ANTHROPIC_BASE_URL=" in ended.stdout
    assert mine.read_text() == '{"model": "opus" /* mine */}'


def test_an_agent_without_a_settings_file_says_so(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "env", "aider", "--write")
    assert ended.code == 2
    assert "aider has no settings file that can be written; leave out --write" in ended.stderr


def test_an_unknown_agent_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "env", "clade")
    assert ended.code == 2
    assert "there is no agent 'clade'; choose from claude, vscode, codex" in ended.stderr
