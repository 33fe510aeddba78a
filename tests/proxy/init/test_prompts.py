"""At a terminal, `coderouter init` asks which providers to write, in which order, and whether to use paid ones."""

from pathlib import Path

from support.proxy.local_servers import OLLAMA_TAGS, environment, model_list, written_config
from support.proxy.upstream import Provider
from support.run_command import CTRL_C, coderouter_at_terminal

KEY = "a value that must not be shown"


def test_at_a_terminal_it_prompts_for_providers_order_and_paid_use(
    tmp_path: Path, servers: dict[str, Provider]
) -> None:
    servers["ollama"].plays(always=OLLAMA_TAGS)
    servers["vllm"].plays(always=model_list("small"))
    keys = {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY}
    typed = [
        ("[1,2,3,4]: ", "2 7\r"),
        ("is not in the list", ""),
        ("[1,2,3,4]: ", "2, 1,4\r"),
        ("[y/N]: ", "y\r"),
    ]
    ended = coderouter_at_terminal(tmp_path, "init", types=typed, env=environment(servers, **keys))
    assert ended.code == 0, ended.stdout
    config = written_config(tmp_path)
    assert config.profiles[0].names == ["vllm", "ollama", "openai"]
    assert [provider.name for provider in config.providers] == ["vllm", "ollama", "openai"]
    assert config.allow_paid
    assert KEY not in ended.stdout


def test_the_defaults_are_all_providers_and_no_paid_use(tmp_path: Path, servers: dict[str, Provider]) -> None:
    servers["ollama"].plays(always=OLLAMA_TAGS)
    typed = [("[1,2]: ", "\r"), ("[y/N]: ", "\r")]
    ended = coderouter_at_terminal(
        tmp_path, "init", types=typed, env=environment(servers, OPENAI_API_KEY=KEY)
    )
    assert ended.code == 0, ended.stdout
    config = written_config(tmp_path)
    assert (config.profiles[0].names, config.allow_paid) == (["ollama", "openai"], False)


def test_if_all_providers_are_paid_the_default_is_to_use_them(
    tmp_path: Path, servers: dict[str, Provider]
) -> None:
    typed = [("[1]: ", "\r"), ("[Y/n]: ", "\r")]
    ended = coderouter_at_terminal(
        tmp_path, "init", types=typed, env=environment(servers, OPENAI_API_KEY=KEY)
    )
    assert ended.code == 0, ended.stdout
    assert written_config(tmp_path).allow_paid


def test_ctrl_c_writes_nothing(tmp_path: Path, servers: dict[str, Provider]) -> None:
    servers["ollama"].plays(always=OLLAMA_TAGS)
    ended = coderouter_at_terminal(tmp_path, "init", types=[("[1]: ", CTRL_C)], env=environment(servers))
    assert ended.code == 1
    assert "Traceback" not in ended.stdout
    assert not (tmp_path / ".coderouter").exists()


def test_non_interactive_does_not_prompt_at_a_terminal(tmp_path: Path, servers: dict[str, Provider]) -> None:
    servers["ollama"].plays(always=OLLAMA_TAGS)
    ended = coderouter_at_terminal(tmp_path, "init", "--non-interactive", env=environment(servers))
    assert ended.code == 0, ended.stdout
    assert [provider.name for provider in written_config(tmp_path).providers] == ["ollama"]
