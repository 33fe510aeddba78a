"""`coderouter init` writes a valid, self-explanatory providers.yaml from what is on this machine, without any key."""

from pathlib import Path

import pytest

from coderouter_proxy.agents.table import AGENTS, Target
from coderouter_proxy.commands import init
from coderouter_proxy.config import load
from coderouter_proxy.init import starter_config
from support.proxy import openai_answers
from support.proxy.local_servers import OLLAMA_TAGS, environment, model_list, written_config
from support.proxy.process import CODEROUTER, serving
from support.proxy.upstream import Provider
from support.run_command import coderouter

KEY = "a value that must not be shown"


def test_found_servers_and_keys_become_providers_local_first_then_free_then_paid(
    tmp_path: Path, servers: dict[str, Provider]
) -> None:
    servers["ollama"].plays(always=OLLAMA_TAGS)
    servers["lmstudio"].plays(
        always=model_list("text-embedding-nomic-embed-text-v1.5", "qwen/qwen3-coder-30b")
    )
    keys = {"ANTHROPIC_API_KEY": KEY, "OPENROUTER_API_KEY": KEY, "OPENAI_API_KEY": ""}

    ended = coderouter(tmp_path, "init", env=environment(servers, **keys))

    assert ended.code == 0, ended.stderr
    config = written_config(tmp_path)
    assert [(p.name, p.model, p.paid) for p in config.providers] == [
        ("ollama", "qwen2.5-coder:14b", False),
        ("lmstudio", "qwen/qwen3-coder-30b", False),
        ("openrouter", "openrouter/free", False),
        ("anthropic", "claude-sonnet-5-5", True),
    ]
    assert config.providers[0].base_url == servers["ollama"].base_url
    assert [p.api_key_env for p in config.providers] == [
        None,
        None,
        "OPENROUTER_API_KEY",
        "ANTHROPIC_API_KEY",
    ]
    assert config.profiles[0].names == ["ollama", "lmstudio", "openrouter", "anthropic"]
    assert not config.allow_paid
    text = (tmp_path / ".coderouter" / "providers.yaml").read_text()
    assert "# It also has qwen2.5-coder:1.5b, llama3.1:70b." in text
    assert "embed" not in text
    assert "paid, skipped: allow_paid is false" in ended.stdout
    assert KEY not in text + ended.stdout + ended.stderr
    assert servers["ollama"].request.path.endswith("/api/tags")


def test_the_settings_for_every_agent_are_shown(tmp_path: Path, servers: dict[str, Provider]) -> None:
    shown = coderouter(tmp_path, "init", "--port", "4123", env=environment(servers)).stdout
    assert "ANTHROPIC_BASE_URL=http://127.0.0.1:4123 ANTHROPIC_AUTH_TOKEN=unused claude\n" in shown
    assert "OPENAI_BASE_URL=http://127.0.0.1:4123/v1 OPENAI_API_KEY=unused\n" in shown
    assert 'base_url="http://127.0.0.1:4123/v1", wire_api="responses"' in shown
    for agent in AGENTS:
        assert f"# {agent.name}" in shown
        assert agent.line_goes_into in shown
        assert agent.line(Target(url="http://127.0.0.1:4123")) in shown
    assert "{v1}" not in shown
    assert "4000" not in shown


def test_every_command_that_is_shown_is_for_the_port(tmp_path: Path, servers: dict[str, Provider]) -> None:
    shown = coderouter(tmp_path, "init", env=environment(servers, CODEROUTER_PORT="4123")).stdout
    assert "\n  coderouter run --port 4123\n" in shown
    assert "\n  coderouter doctor --proxy-url http://127.0.0.1:4123\n" in shown
    assert "The dashboard is then at http://127.0.0.1:9847/dashboard" in shown


def test_the_written_file_is_enough_to_get_an_answer(tmp_path: Path, servers: dict[str, Provider]) -> None:
    servers["vllm"].plays(
        model_list("Qwen/Qwen3-Coder-30B-A3B-Instruct"), openai_answers.answer("Hello there.")
    )
    shown = coderouter(tmp_path, "init", env=environment(servers)).stdout
    assert "\n  coderouter run\n" in shown
    with serving(tmp_path, None) as proxy:
        assert proxy.chat().rest().json["choices"][0]["message"]["content"] == "Hello there."
    assert servers["vllm"].request.json["model"] == "Qwen/Qwen3-Coder-30B-A3B-Instruct"


def test_if_nothing_is_found_ollama_and_an_echo_are_written_and_how_to_get_a_model_is_shown(
    tmp_path: Path, servers: dict[str, Provider]
) -> None:
    ended = coderouter(tmp_path, "init", env=environment(servers))
    assert ended.code == 0
    assert [provider.name for provider in written_config(tmp_path).providers] == ["ollama", "echo"]
    assert f"ollama pull {starter_config.PULL}" in ended.stdout
    assert f"rm {tmp_path}/.coderouter/providers.yaml and run coderouter init again" in ended.stdout


@pytest.mark.parametrize("there", ["file", "dangling symlink"])
def test_an_existing_file_is_never_overwritten(
    there: str, tmp_path: Path, servers: dict[str, Provider]
) -> None:
    path = tmp_path / "mine.yaml"
    if there == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere")
    ended = coderouter(tmp_path, "init", "--output", path, env=environment(servers))
    assert ended.code == 3
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"coderouter: {path} already exists and init never overwrites")
    assert path.read_text() == "mine" if there == "file" else not path.exists()
    assert not servers["ollama"].requests


def test_a_file_that_was_created_during_the_prompts_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("mine")
    with pytest.raises(init.OutputError, match="cannot be written: File exists"):
        init._write(tmp_path / "p.yaml", "ours")
    assert (tmp_path / "p.yaml").read_text() == "mine"


def test_a_path_that_cannot_be_written_is_reported(tmp_path: Path, servers: dict[str, Provider]) -> None:
    (tmp_path / "file").write_text("")
    ended = coderouter(tmp_path, "init", "--output", tmp_path / "file" / "p.yaml", env=environment(servers))
    assert ended.code == 3
    assert ended.stderr.startswith(f"coderouter: {tmp_path}/file/p.yaml cannot be written: ")


@pytest.mark.parametrize("output", ["here.yaml", "providers.yaml"])
def test_the_start_command_names_the_file_unless_serve_finds_it_by_itself(
    output: str, tmp_path: Path, servers: dict[str, Provider]
) -> None:
    shown = coderouter(tmp_path, "init", "--output", output, env=environment(servers)).stdout
    line = "coderouter run" if output == "providers.yaml" else f"coderouter run --config {output}"
    assert f"\n  {line}\n" in shown


def test_a_command_that_is_not_on_the_path_is_shown_with_its_full_path(
    tmp_path: Path, servers: dict[str, Provider]
) -> None:
    shown = coderouter(tmp_path, "init", env=environment(servers, PATH="/usr/bin:/bin")).stdout
    assert f"\n  {CODEROUTER} run\n" in shown


@pytest.mark.parametrize(
    "probe", ["nameless", "A=http://x", "x=ftp://x", "x=http://user:secret@x", "openai=http://x"]
)
def test_an_invalid_probe_is_rejected(probe: str, tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "init", "--probe", probe)
    assert ended.code == 2
    assert "write e.g. gpu-box=http://192.168.1.5:8000" in " ".join(ended.stderr.split())
    assert not (tmp_path / ".coderouter").exists()


def test_keys_from_an_env_file_are_found(tmp_path: Path, servers: dict[str, Provider]) -> None:
    (tmp_path / "keys.env").write_text(f"GROQ_API_KEY='{KEY}'\n")
    ended = coderouter(tmp_path, "init", "--env-file", "keys.env", env=environment(servers))
    assert [provider.name for provider in written_config(tmp_path).providers] == ["groq"]
    assert KEY not in ended.stdout + ended.stderr


def test_paid_providers_are_allowed_only_on_request(tmp_path: Path, servers: dict[str, Provider]) -> None:
    keys = environment(servers, OPENAI_API_KEY=KEY)
    for number, option in enumerate([[], ["--allow-paid"]]):
        output = tmp_path / f"{number}.yaml"
        assert coderouter(tmp_path, "init", "--output", output, *option, env=keys).code == 0
        assert load.load(output).config.allow_paid == bool(option)
