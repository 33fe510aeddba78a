"""`coderouter init` writes a providers.yaml of what is on this machine that loads, explains itself and holds no key."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from coderouter_proxy.commands import init
from coderouter_proxy.config import load
from coderouter_proxy.config.schema import Config
from coderouter_proxy.init import clouds, local_servers, models, starter_config
from coderouter_proxy.init.local_servers import OLLAMA, SERVERS, Look, Server
from coderouter_proxy.init.models import Model
from support.processes import free_port
from support.proxy import openai_answers
from support.proxy.process import CODEROUTER, serving
from support.proxy.upstream import CUT, HANG, Provider, Script, Upstream, stream, whole
from support.run_command import CTRL_C, coderouter, coderouter_at_terminal

KEY = "a value that nobody may see"
TAGS = whole(
    {
        "models": [
            {
                "name": "nomic-embed-text:latest",
                "details": {"families": ["nomic-bert"], "parameter_size": "137M"},
            },
            {"name": "llama3.1:70b", "details": {"parameter_size": "70.6B"}},
            {"name": "qwen2.5-coder:1.5b", "details": {"parameter_size": "1.5B"}},
            {"name": "qwen2.5-coder:14b", "details": {"parameter_size": "14.8B"}},
        ]
    }
)


def listed(*names: str) -> Script:
    return whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


@pytest.fixture
def probes(upstream_server: Upstream) -> Iterator[dict[str, Provider]]:
    """The four local servers; each cuts the line until the test lets it play something else."""
    upstream_server.forget()
    yield {server.name: upstream_server.provider(f"probed-{server.name}") for server in SERVERS}
    upstream_server.forget()


def environment(probes: dict[str, Provider], **more: str) -> dict[str, str]:
    return {"CODEROUTER_INIT_PROBE": " ".join(f"{n}={p.base_url}" for n, p in probes.items()), **more}


def written(folder: Path) -> Config:
    return load.load(folder / ".coderouter" / "providers.yaml").config


def test_servers_and_keys_that_are_found_become_providers_local_then_free_then_paid(
    tmp_path: Path, probes: dict[str, Provider]
) -> None:
    probes["ollama"].plays(always=TAGS)
    probes["lmstudio"].plays(always=listed("text-embedding-nomic-embed-text-v1.5", "qwen/qwen3-coder-30b"))
    keys = {"ANTHROPIC_API_KEY": KEY, "OPENROUTER_API_KEY": KEY, "OPENAI_API_KEY": ""}

    ended = coderouter(tmp_path, "init", env=environment(probes, **keys))

    assert ended.code == 0, ended.stderr
    config = written(tmp_path)
    assert [(p.name, p.model, p.paid) for p in config.providers] == [
        ("ollama", "qwen2.5-coder:14b", False),
        ("lmstudio", "qwen/qwen3-coder-30b", False),
        ("openrouter", "openrouter/free", False),
        ("anthropic", "claude-sonnet-5-5", True),
    ]
    assert config.providers[0].base_url == probes["ollama"].base_url
    assert [p.api_key_env for p in config.providers] == [
        None,
        None,
        "OPENROUTER_API_KEY",
        "ANTHROPIC_API_KEY",
    ]
    assert config.profiles[0].providers == ["ollama", "lmstudio", "openrouter", "anthropic"]
    assert not config.allow_paid
    text = (tmp_path / ".coderouter" / "providers.yaml").read_text()
    assert "# It also has qwen2.5-coder:1.5b, llama3.1:70b." in text
    assert "embed" not in text
    assert "paid, skipped: allow_paid is false" in ended.stdout
    assert KEY not in text + ended.stdout + ended.stderr
    assert probes["ollama"].request.path.endswith("/api/tags")


def test_the_lines_for_claude_code_codex_and_an_sdk_are_shown(
    tmp_path: Path, probes: dict[str, Provider]
) -> None:
    shown = coderouter(tmp_path, "init", "--port", "4123", env=environment(probes)).stdout
    assert "ANTHROPIC_BASE_URL=http://127.0.0.1:4123 ANTHROPIC_AUTH_TOKEN=unused claude\n" in shown
    assert "OPENAI_BASE_URL=http://127.0.0.1:4123/v1 OPENAI_API_KEY=unused\n" in shown
    assert 'base_url="http://127.0.0.1:4123/v1", wire_api="chat"' in shown
    assert "speaks only the Responses API, which this proxy does not have" in shown


def test_from_nothing_to_an_answer(tmp_path: Path, probes: dict[str, Provider]) -> None:
    probes["vllm"].plays(listed("Qwen/Qwen3-Coder-30B-A3B-Instruct"), openai_answers.answer("Hello there."))
    shown = coderouter(tmp_path, "init", env=environment(probes)).stdout
    assert "\n  coderouter serve\n" in shown
    with serving(tmp_path, None) as proxy:
        assert proxy.asks().rest().json["choices"][0]["message"]["content"] == "Hello there."
    assert probes["vllm"].request.json["model"] == "Qwen/Qwen3-Coder-30B-A3B-Instruct"


def test_where_nothing_is_found_ollama_and_an_echo_are_written_and_how_to_get_a_model_is_said(
    tmp_path: Path, probes: dict[str, Provider]
) -> None:
    ended = coderouter(tmp_path, "init", env=environment(probes))
    assert ended.code == 0
    assert [provider.name for provider in written(tmp_path).providers] == ["ollama", "echo"]
    assert f"ollama pull {starter_config.PULL}" in ended.stdout
    assert f"rm {tmp_path}/.coderouter/providers.yaml and coderouter init once more" in ended.stdout


@pytest.mark.parametrize("there", ["file", "dangling symlink"])
def test_nothing_is_written_over(there: str, tmp_path: Path, probes: dict[str, Provider]) -> None:
    path = tmp_path / "mine.yaml"
    if there == "file":
        path.write_text("mine")
    else:
        path.symlink_to("nowhere")
    ended = coderouter(tmp_path, "init", "--output", path, env=environment(probes))
    assert ended.code == 3
    [line] = ended.stderr.splitlines()
    assert line.startswith(f"coderouter: {path} is there already, and init writes over nothing")
    assert path.read_text() == "mine" if there == "file" else not path.exists()
    assert not probes["ollama"].requests


def test_a_file_that_came_while_it_asked_stays_as_well(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("mine")
    with pytest.raises(init.CannotWrite, match="cannot be written: File exists"):
        init._write(tmp_path / "p.yaml", "ours")
    assert (tmp_path / "p.yaml").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, probes: dict[str, Provider]) -> None:
    (tmp_path / "file").write_text("")
    ended = coderouter(tmp_path, "init", "--output", tmp_path / "file" / "p.yaml", env=environment(probes))
    assert ended.code == 3
    assert ended.stderr.startswith(f"coderouter: {tmp_path}/file/p.yaml cannot be written: ")


@pytest.mark.parametrize("output", ["here.yaml", "providers.yaml"])
def test_the_command_to_start_names_the_file_where_it_would_not_be_found(
    output: str, tmp_path: Path, probes: dict[str, Provider]
) -> None:
    shown = coderouter(tmp_path, "init", "--output", output, env=environment(probes)).stdout
    line = "coderouter serve" if output == "providers.yaml" else f"coderouter serve --config {output}"
    assert f"\n  {line}\n" in shown


def test_a_command_that_is_not_on_the_path_is_shown_with_its_place(
    tmp_path: Path, probes: dict[str, Provider]
) -> None:
    shown = coderouter(tmp_path, "init", env=environment(probes, PATH="/usr/bin:/bin")).stdout
    assert f"\n  {CODEROUTER} serve\n" in shown


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (whole(b"<html>It works!</html>"), "something else answers there"),
        (whole({"detail": "no"}, status=404), "something else answers there"),
        (whole({}), "something else answers there"),
        (whole(b"", status=302, headers={"Location": "/login"}), "something else answers there"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "something else answers there"),
        ((CUT,), "something else answers there"),
        (whole({"error": "no"}, status=401), "asks for a key; add it by hand, with api_key_env"),
        (listed("text-embedding-3"), "answers, but has no model to chat with"),
        (listed(), "answers, but has no model to chat with"),
        (whole({"data": [{"id": "default", "owned_by": "coderouter"}]}), "that is CodeRouter itself"),
        (stream(HANG), "no answer in time"),
    ],
)
def test_what_is_no_server_of_models_is_told(
    script: Script, problem: str, probes: dict[str, Provider]
) -> None:
    probes["vllm"].plays(always=script)
    probes["llamacpp"].plays(always=listed("loaded.gguf"))
    places = [(name, probe.base_url) for name, probe in probes.items()]
    looks = {look.server.name: look for look in local_servers.look_for(local_servers.with_probes(places))}
    assert (looks["vllm"].problem, looks["vllm"].models) == (problem, ())
    assert looks["llamacpp"].models == [Model("loaded.gguf")]


def test_a_closed_port_is_told(tmp_path: Path, probes: dict[str, Provider]) -> None:
    probe = f"--probe=vllm=http://127.0.0.1:{free_port()}"
    ended = coderouter(tmp_path, "init", probe, env=environment({**probes, "vllm": probes["ollama"]}))
    assert "nothing there" in ended.stdout


def test_a_server_elsewhere_can_be_named(tmp_path: Path, probes: dict[str, Provider], a: Provider) -> None:
    a.plays(listed("big-model"))
    arguments = [f"--probe={name}={probe.base_url}" for name, probe in probes.items()]
    ended = coderouter(tmp_path, "init", *arguments, "--probe", f"gpu-box={a.base_url}")
    assert ended.code == 0
    [provider] = written(tmp_path).providers
    assert (provider.name, provider.base_url, provider.model) == ("gpu-box", a.base_url, "big-model")


@pytest.mark.parametrize(
    "probe", ["nameless", "A=http://x", "x=ftp://x", "x=http://user:secret@x", "openai=http://x"]
)
def test_a_probe_that_makes_no_sense_is_refused(probe: str, tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "init", "--probe", probe)
    assert ended.code == 2
    assert "write e.g. gpu-box=http://192.168.1.5:8000" in " ".join(ended.stderr.split())
    assert not (tmp_path / ".coderouter").exists()


def test_keys_of_an_env_file_count(tmp_path: Path, probes: dict[str, Provider]) -> None:
    (tmp_path / "keys.env").write_text(f"GROQ_API_KEY='{KEY}'\n")
    ended = coderouter(tmp_path, "init", "--env-file", "keys.env", env=environment(probes))
    assert [provider.name for provider in written(tmp_path).providers] == ["groq"]
    assert KEY not in ended.stdout + ended.stderr


def test_paid_providers_are_only_allowed_when_that_is_said(
    tmp_path: Path, probes: dict[str, Provider]
) -> None:
    keys = environment(probes, OPENAI_API_KEY=KEY)
    for number, option in enumerate([[], ["--allow-paid"]]):
        output = tmp_path / f"{number}.yaml"
        assert coderouter(tmp_path, "init", "--output", output, *option, env=keys).code == 0
        assert load.load(output).config.allow_paid == bool(option)


def test_at_a_terminal_it_asks_which_in_which_order_and_whether_to_pay(
    tmp_path: Path, probes: dict[str, Provider]
) -> None:
    probes["ollama"].plays(always=TAGS)
    probes["vllm"].plays(always=listed("small"))
    keys = {"OPENAI_API_KEY": KEY, "GROQ_API_KEY": KEY}
    typed = [
        ("[1,2,3,4]: ", "2 7\r"),
        ("is not among them", ""),
        ("[1,2,3,4]: ", "2, 1,4\r"),
        ("[y/N]: ", "y\r"),
    ]
    ended = coderouter_at_terminal(tmp_path, "init", types=typed, env=environment(probes, **keys))
    assert ended.code == 0, ended.stdout
    config = written(tmp_path)
    assert config.profiles[0].providers == ["vllm", "ollama", "openai"]
    assert [provider.name for provider in config.providers] == ["vllm", "ollama", "openai"]
    assert config.allow_paid
    assert KEY not in ended.stdout


def test_return_takes_everything_and_pays_nothing(tmp_path: Path, probes: dict[str, Provider]) -> None:
    probes["ollama"].plays(always=TAGS)
    typed = [("[1,2]: ", "\r"), ("[y/N]: ", "\r")]
    ended = coderouter_at_terminal(tmp_path, "init", types=typed, env=environment(probes, OPENAI_API_KEY=KEY))
    assert ended.code == 0, ended.stdout
    config = written(tmp_path)
    assert (config.profiles[0].providers, config.allow_paid) == (["ollama", "openai"], False)


def test_where_all_is_paid_the_proposal_is_to_pay(tmp_path: Path, probes: dict[str, Provider]) -> None:
    typed = [("[1]: ", "\r"), ("[Y/n]: ", "\r")]
    ended = coderouter_at_terminal(tmp_path, "init", types=typed, env=environment(probes, OPENAI_API_KEY=KEY))
    assert ended.code == 0, ended.stdout
    assert written(tmp_path).allow_paid


def test_ctrl_c_writes_nothing(tmp_path: Path, probes: dict[str, Provider]) -> None:
    probes["ollama"].plays(always=TAGS)
    ended = coderouter_at_terminal(tmp_path, "init", types=[("[1]: ", CTRL_C)], env=environment(probes))
    assert ended.code == 1
    assert "Traceback" not in ended.stdout
    assert not (tmp_path / ".coderouter").exists()


def test_non_interactive_asks_nothing_at_a_terminal(tmp_path: Path, probes: dict[str, Provider]) -> None:
    probes["ollama"].plays(always=TAGS)
    ended = coderouter_at_terminal(tmp_path, "init", "--non-interactive", env=environment(probes))
    assert ended.code == 0, ended.stdout
    assert [provider.name for provider in written(tmp_path).providers] == ["ollama"]


SUBSETS = [some for size in range(len(SERVERS) + 1) for some in combinations(SERVERS, size)]


@pytest.mark.parametrize(
    "servers", SUBSETS, ids=lambda some: "+".join(server.name for server in some) or "none"
)
def test_every_combination_loads_without_a_fault(
    servers: tuple[Server, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALLOW_PAID", raising=False)
    local = [
        starter_config.local(Look(server, [Model("some-coder:7b"), Model("other")])) for server in servers
    ]
    keys = [(), *((cloud,) for cloud in clouds.CLOUDS), clouds.CLOUDS]
    for number, some in enumerate(keys):
        entries = [*local, *map(starter_config.cloud, some)] or starter_config.absent(OLLAMA)
        allow_paid = bool(number % 2)
        config = load.parse(starter_config.text(entries, allow_paid=allow_paid), "written")
        names = [entry.name for entry in entries]
        assert [provider.name for provider in config.providers] == names
        assert config.profiles[0].providers == names
        assert [provider.paid for provider in config.providers] == [entry.paid for entry in entries]
        assert [provider.model for provider in config.providers] == [entry.model for entry in entries]
        assert config.allow_paid == allow_paid
        assert list(config.unknown_providers()) == []


@pytest.mark.parametrize(
    "name",
    [
        *("yes", "1.5", "0x10", "null", "~", "2026-11-24", "a: b", "a #b", "# a", "- a", "{a}", "'a'", '"a'),
        *("&a", "*a", "!a", "%a", "@a", "ä", "\\n", "C:\\models\\a b.gguf", "a" * 300),
        "hf.co/bartowski/Qwen2.5-Coder-14B-Instruct-GGUF:Q4_K_M",
    ],
)
def test_a_model_may_have_any_name(name: str) -> None:
    look = Look(
        SERVERS[0], [model for entry in ({"id": name}, {"id": f"x {name}"}) if (model := models.read(entry))]
    )
    config = load.parse(starter_config.text([starter_config.local(look)], allow_paid=False), "written")
    assert config.providers[0].model == models.best_first(look.models)[0].name


@pytest.mark.parametrize("name", ["a\n  model: b", "a\u2028b", "a\x7fb", "a\x85b", "", None, 7, ["a"]])
def test_a_name_that_could_not_be_written_down_is_passed_over(name: object) -> None:
    assert models.read({"id": name}) is None


@pytest.mark.parametrize(
    ("found", "best"),
    [
        (["llama3.1:8b", "qwen2.5-coder:7b"], "qwen2.5-coder:7b"),
        (["qwen2.5-coder:1.5b", "qwen2.5-coder:14b", "qwen2.5-coder:7b"], "qwen2.5-coder:14b"),
        (["qwen3-coder:480b-cloud", "llama3.2:3b"], "llama3.2:3b"),
        (["qwen2.5-coder:32b-base", "gemma3:4b"], "gemma3:4b"),
        (["codellama:7b-code", "devstral:24b"], "devstral:24b"),
        (["gemma3:27b", "gemma3:4b"], "gemma3:27b"),
        (["unknown", "gemma3:4b"], "gemma3:4b"),
        (["only"], "only"),
    ],
)
def test_coders_come_first_then_the_larger_and_those_that_run_elsewhere_last(
    found: list[str], best: str
) -> None:
    read = [model for name in found if (model := models.read({"id": name}))]
    assert models.best_first(read)[0].name == best


@pytest.mark.parametrize(
    "name",
    [
        *("nomic-embed-text:latest", "mxbai-embed-large", "bge-m3:latest", "all-minilm:33m", "gte-large"),
        *("text-embedding-qwen3-0.6b", "snowflake-arctic-embed2", "granite-embedding:278m"),
        *("paraphrase-multilingual", "multilingual-e5-large", "jina-reranker-v2", "whisper-large-v3"),
        "llama-guard3:8b",
    ],
)
def test_what_does_not_chat_is_never_chosen(name: str) -> None:
    assert models.read({"id": name}) is None
