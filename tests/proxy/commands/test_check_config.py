"""`coderouter check-config` reports all errors of a file, or its effective configuration and chains."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.proxy import process
from support.run_command import Ended, coderouter, coderouter_at_terminal

pytestmark = pytest.mark.slow

SECRET = "sk-live-0123456789abcdefghij"
PLAIN_SECRET = "correct-horse-battery"
CONFIG = process.config(
    [
        process.provider(
            "local", "http://me:pass-word@127.0.0.1:11434/v1", extra_body={"api_key": PLAIN_SECRET, "n": 1}
        ),
        process.provider("keyless", "https://cloud.example/v1", api_key_env="NO_KEY"),
        process.provider(
            "claude", "https://api.example", kind="anthropic", model="claude-sonnet-5-5", paid=True
        ),
        process.provider(
            "dear",
            "https://dear.example/v1",
            api_key_env="A_KEY",
            cost={"input_per_mtok": 1, "output_per_mtok": 1, "monthly_budget_usd": 2},
        ),
    ],
    {"default": ["local", "ghost", "claude", "dear", "keyless"], "paid": ["claude"]},
    mode_aliases={"money": "paid"},
)


def checked(folder: Path, *arguments: str, **env: str) -> Ended:
    process.write_config(folder, CONFIG)
    return coderouter(folder, "check-config", *arguments, env={"A_KEY": SECRET, **env})


def as_json(folder: Path, *arguments: str, **env: str) -> Any:
    ended = checked(folder, "--json", *arguments, **env)
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


def months() -> set[str]:
    """Return the month, and the next one too if it is about to start."""
    now = time.time()
    return {time.strftime("%Y-%m", time.gmtime(second)) for second in (now, now + 600)}


def chain(shown: Any, profile: str = "default") -> list[tuple[str, bool, str]]:
    return [(link["provider"], link["tried"], link["remark"]) for link in shown["chains"][profile]]


def test_the_chain_is_what_would_be_tried_now(tmp_path: Path) -> None:
    assert chain(as_json(tmp_path)) == [
        ("local", True, ""),
        ("ghost", False, "not configured"),
        ("claude", False, "paid, and allow_paid is false"),
        ("dear", True, ""),
        ("keyless", True, "without a key: NO_KEY is not set"),
    ]
    assert chain(as_json(tmp_path, ALLOW_PAID="true", NO_KEY="x"), "paid") == [("claude", True, "")]


def test_a_spent_budget_is_marked_and_no_file_is_made_to_find_out(tmp_path: Path) -> None:
    events = str(tmp_path / "events.jsonl")
    as_json(tmp_path, "--events", events)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["providers.yaml"]
    with closing(sqlite3.connect(tmp_path / "spend.db")) as database, database:
        database.execute("CREATE TABLE spent (month TEXT, provider TEXT, micro_usd INTEGER)")
        database.executemany(
            "INSERT INTO spent VALUES (?, 'dear', 2500000)", [(month,) for month in months()]
        )
    found = chain(as_json(tmp_path, "--events", events))
    assert ("dear", False, "budget spent: 2.50 of 2 dollars this month") in found


def test_the_effective_configuration_has_defaults_and_capabilities_by_model_name(tmp_path: Path) -> None:
    shown = as_json(tmp_path, "--mode", "money", ALLOW_PAID="true")
    assert (shown["valid"], shown["path"]) == (True, "providers.yaml")
    config = shown["config"]
    assert (config["allow_paid"], config["default_profile"]) == (True, "paid")
    claude = config["providers"][2]
    assert (claude["timeout_s"], claude["kind"]) == (30, "anthropic")
    assert claude["capabilities"] == {"thinking": True, "reasoning_passthrough": False, "tools": True}
    assert shown["keys_set"] == {"NO_KEY": False, "A_KEY": True}


def test_keys_of_coderouter_2_are_listed_with_their_lines(tmp_path: Path) -> None:
    old = process.provider(
        "old",
        "http://127.0.0.1:1",
        capabilities={"chat": True, "mcp": "none"},
        cost={"input_tokens_per_million": 3},
    )
    process.write_config(tmp_path, process.config([old]))
    ended = coderouter(tmp_path, "check-config")
    assert ended.code == 0, ended.stderr
    listed = [line for line in ended.stdout.splitlines() if line.startswith("providers.yaml:")]
    assert [line.partition(": providers[0].")[2].split(": ")[:2] for line in listed] == [
        ["capabilities.chat", "no effect"],
        ["capabilities.mcp", "no effect"],
        ["cost.input_tokens_per_million", "same"],
    ]
    lines = (tmp_path / "providers.yaml").read_text().splitlines()
    for line in listed:
        number, key = line.split(":")[1], line.split(": ")[1].rpartition(".")[2]
        assert key in lines[int(number) - 1]
    as_read = json.loads(coderouter(tmp_path, "check-config", "--json").stdout)
    assert [note["verdict"] for note in as_read["coderouter_2"]] == ["no effect", "no effect", "same"]


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_no_value_of_a_key_is_shown(arguments: list[str], tmp_path: Path) -> None:
    ended = checked(tmp_path, *arguments)
    assert ended.code == 0
    for secret in (SECRET, PLAIN_SECRET, "pass-word"):
        assert secret not in ended.stdout + ended.stderr
    assert "http://***@127.0.0.1:11434/v1" in ended.stdout


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_no_value_of_a_header_is_shown_but_the_names_of_variables_are(
    arguments: list[str], tmp_path: Path
) -> None:
    headers = {
        "Authorization": "Bearer ${GATEWAY_KEY}",
        "X-Team": "blue-team-${TEAM}",
        "Cookie": f"session={PLAIN_SECRET}",
    }
    process.write_config(
        tmp_path, process.config([process.provider("a", "http://a.example", headers=headers)])
    )
    env = {"GATEWAY_KEY": SECRET, "TEAM": "red-team"}
    ended = coderouter(tmp_path, "check-config", *arguments, env=env)
    assert ended.code == 0, ended.stderr
    for secret in (SECRET, PLAIN_SECRET, "blue-team", "red-team"):
        assert secret not in ended.stdout + ended.stderr
    for shown in ("Bearer ${GATEWAY_KEY}", "***${TEAM}"):
        assert shown in ended.stdout


def test_in_a_pipe_it_is_plain_text_that_starts_with_yaml(tmp_path: Path) -> None:
    shown = checked(tmp_path).stdout
    assert shown.isascii()
    summary, config, chains = shown.partition("allow_paid")[0], *shown.split("\n\n")[1:3]
    assert summary == "providers.yaml is valid\n\n"
    assert yaml.safe_load(config)["providers"][3]["api_key_env"] == "A_KEY"
    assert "api_key_env: A_KEY  # set\n" in config
    assert "api_key_env: NO_KEY  # not set\n" in config
    assert chains == "Providers each profile would try now"
    assert "default: 1 local\n" in shown
    assert "default: - claude (skipped: paid, and allow_paid is false)\n" in shown
    assert "default: 3 keyless (without a key: NO_KEY is not set)\n" in shown


def test_each_of_several_keys_is_shown_as_set_or_not(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET)
    files = [f"{tmp_path}/key", "${FOLDER}/none"]
    cloud = process.provider("a", "https://a.example/v1", api_key_env=["A_KEY", "NO_KEY"], api_key_file=files)
    lost = process.provider("b", "https://b.example/v1", api_key_env=["NO_KEY"], api_key_file="/no/key")
    process.write_config(tmp_path, process.config([cloud, lost]))
    shown = coderouter(tmp_path, "check-config", env={"A_KEY": SECRET}).stdout
    assert SECRET not in shown
    for line in (
        "- A_KEY  # set",
        "- NO_KEY  # not set",
        f"- {tmp_path}/key  # set",
        "- ${FOLDER}/none  # not set",
    ):
        assert f"{line}\n" in shown
    assert "1 a\n" in shown
    assert "2 b (without a key: NO_KEY is not set, /no/key: No such file or directory)\n" in shown


def test_at_a_terminal_it_is_a_table_of_its_width(tmp_path: Path) -> None:
    process.write_config(tmp_path, CONFIG)
    shown = coderouter_at_terminal(tmp_path, "check-config", env={"NO_COLOR": "1"}).stdout
    assert "  profile       provider" in shown
    assert "skipped: paid, and allow_paid is" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_all_errors_are_reported_at_once_as_serve_does(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("providers: [{name: a, base_url: x}]\nprofiles: []\nspeed: 9\n")
    ended = coderouter(tmp_path, "check-config", *arguments)
    assert ended.code == 3
    errors = json.loads(ended.stdout)["faults"] if arguments else ended.stderr.splitlines()
    for part in (
        "base_url: 'x' is not an http(s) URL",
        "provider 'a' has no model",
        "profiles:",
        "speed: is not a known field",
    ):
        assert any(part in error for error in errors), errors
    assert errors == [f"{'' if arguments else 'coderouter: '}{line}" for line in served(tmp_path)]


def served(folder: Path) -> list[str]:
    return [line.removeprefix("coderouter: ") for line in process.failed_start(folder).splitlines()]


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "check-config", "no.yaml")
    assert (ended.code, ended.stderr) == (
        3,
        "coderouter: no.yaml: there is no such file; name an existing file with --config\n",
    )


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "check-config", ".")
    assert (ended.code, ended.stderr) == (
        3,
        "coderouter: .: is a folder; name an existing file with --config\n",
    )


def test_without_a_file_the_built_in_configuration_is_shown(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "check-config")
    assert ended.code == 0
    assert ended.stdout.startswith("There is no providers.yaml; the built-in configuration is used\n")
    assert "default: 2 echo\n" in ended.stdout


def test_an_unknown_mode_is_an_error(tmp_path: Path) -> None:
    ended = checked(tmp_path, "--mode", "fast")
    assert ended.code == 3
    assert ended.stderr == "coderouter: there is no mode or profile 'fast'; there are money, default, paid\n"


@pytest.mark.parametrize("example", ["auto-routing", "local-and-free-cloud"])
def test_the_examples_pass(example: str, tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "deploy" / "examples" / f"{example}.yaml"
    assert coderouter(tmp_path, "check-config", path).code == 0


def adapted(writer: str, provider: str, trait: str, value: str, reason: str) -> str:
    event = {"msg": "provider-adapted", "writer": writer, "provider": provider}
    return json.dumps({**event, "trait": trait, "value": value, "reason": reason}, separators=(",", ":"))


def forgotten(writer: str, msg: str) -> str:
    return json.dumps({"msg": msg, "writer": writer}, separators=(",", ":"))


def learnt(folder: Path, *lines: str) -> tuple[list[str], Any]:
    """Return the lines of check-config about what was learnt, and the same of its JSON."""
    path = folder / "events.jsonl"
    path.write_text("\n".join((*lines, "")), encoding="utf-8")
    shown = checked(folder, "--events", str(path)).stdout.splitlines()
    found = as_json(folder, "--events", str(path))["learnt"]
    return [line for line in shown if line.startswith("learnt: ")], found


def test_what_the_running_proxy_learnt_is_shown_with_the_line_that_keeps_it(tmp_path: Path) -> None:
    lines, found = learnt(
        tmp_path,
        '{"torn',
        adapted("w1", "local", "call_ids", "nine", "call-id-form"),
        adapted("w1", "local", "refused_fields", "store, user", "refused-field"),
        adapted("w2", "local", "refused_fields", "user, seed", "refused-field"),
        adapted("w1", "keyless", "max_output_tokens", "8192", "output-limit"),
        adapted("w1", "removed", "call_ids", "nine", "call-id-form"),
    )
    assert lines == [
        "learnt: local needs traits: {call_ids: nine, refused_fields: [store, user, seed]}",
        "learnt: keyless needs traits: {max_output_tokens: 8192}",
    ]
    assert found == {
        "local": {"call_ids": "nine", "refused_fields": ["store", "user", "seed"]},
        "keyless": {"max_output_tokens": 8192},
    }


def test_what_is_forgotten_or_was_for_one_request_only_is_not_shown(tmp_path: Path) -> None:
    lines, found = learnt(
        tmp_path,
        adapted("w1", "local", "call_ids", "nine", "call-id-form"),
        forgotten("w1", "config-reloaded"),
        adapted("w2", "local", "call_ids", "nine", "call-id-form"),
        forgotten("w2", "coderouter-shutdown"),
        adapted("w3", "local", "max_output_tokens", "15309", "no-room-for-answer"),
        adapted("w3", "local", "max_output_tokens", "many", "output-limit"),
        adapted("w3", "local", "speed", "high", "of-another-version"),
    )
    assert (lines, found) == ([], {})


def test_what_is_declared_already_is_not_shown(tmp_path: Path) -> None:
    local = process.provider(
        "local", "http://127.0.0.1:1/v1", traits={"call_ids": "nine", "refused_fields": ["store"]}
    )
    process.write_config(tmp_path, process.config([local]))
    path = tmp_path / "events.jsonl"
    events = [
        adapted("w1", "local", "call_ids", "nine", "call-id-form"),
        adapted("w1", "local", "refused_fields", "user", "refused-field"),
    ]
    path.write_text("\n".join((*events, "")), encoding="utf-8")
    shown = coderouter(tmp_path, "check-config", "--events", str(path)).stdout
    assert "learnt: local needs traits: {call_ids: nine, refused_fields: [store, user]}\n" in shown


def test_each_trait_is_shown_with_where_it_is_from(tmp_path: Path) -> None:
    providers: list[dict[str, object]] = [
        process.provider("gpt", "https://api.openai.com/v1", model="gpt-5", max_output_tokens=9000),
        process.provider(
            "local",
            "http://127.0.0.1:1/v1",
            traits={"refused_fields": ["store"], "efforts": []},
            capabilities={"vision": False},
        ),
        {"name": "built-in", "kind": "echo"},
    ]
    process.write_config(tmp_path, process.config(providers))
    path = tmp_path / "events.jsonl"
    path.write_text(
        adapted("w1", "local", "refused_fields", "user", "refused-field") + "\n", encoding="utf-8"
    )
    arguments = ("check-config", "--events", str(path))
    _, _, table = coderouter(tmp_path, *arguments).stdout.partition("where it is not the default\n\n")
    assert table.splitlines()[:-1] == [
        "gpt: system_text: anywhere (rule * at api.openai.com)",
        "gpt: alternating: false (rule * at api.openai.com)",
        "gpt: max_tokens_field: max_completion_tokens (rule * at api.openai.com)",
        "gpt: max_output_tokens: 9000 (providers.yaml)",
        "gpt: efforts: [minimal, low, medium, high] (rule gpt-5 at api.openai.com)",
        "local: refused_fields: [store, user] (learnt)",
        "local: images: false (vision: false)",
        "local: documents: false (vision: false)",
        "local: efforts: [] (providers.yaml)",
    ]
    shown = json.loads(coderouter(tmp_path, *arguments, "--json").stdout)["traits"]
    assert sorted(shown) == ["gpt", "local"]
    assert shown["local"]["refused_fields"] == {"value": ["store", "user"], "from": "learnt"}
    assert shown["local"]["system_text"] == {"value": "first", "from": "default"}
    at_terminal = coderouter_at_terminal(tmp_path, *arguments, env={"NO_COLOR": "1"}).stdout
    assert "What providers accept, where it is not the default" in at_terminal
    assert max(map(len, at_terminal.splitlines())) <= 80
