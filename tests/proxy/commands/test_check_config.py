"""`coderouter check-config` tells all faults of a file, what it comes to, and whom each profile would ask now."""

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
        database.execute(
            "INSERT INTO spent VALUES (?, 'dear', 2500000)", [time.strftime("%Y-%m", time.gmtime())]
        )
    found = chain(as_json(tmp_path, "--events", events))
    assert ("dear", False, "budget spent: 2.50 of 2 dollars this month") in found


def test_the_effective_configuration_has_the_defaults_and_what_is_known_of_models(tmp_path: Path) -> None:
    shown = as_json(tmp_path, "--mode", "money", ALLOW_PAID="true")
    assert (shown["valid"], shown["path"]) == (True, "providers.yaml")
    config = shown["config"]
    assert (config["allow_paid"], config["default_profile"]) == (True, "paid")
    claude = config["providers"][2]
    assert (claude["timeout_s"], claude["kind"]) == (30, "anthropic")
    assert claude["capabilities"] == {"thinking": True, "reasoning_passthrough": False, "tools": True}
    assert shown["keys_set"] == {"NO_KEY": False, "A_KEY": True}


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_no_value_of_a_key_is_shown(arguments: list[str], tmp_path: Path) -> None:
    ended = checked(tmp_path, *arguments)
    assert ended.code == 0
    for secret in (SECRET, PLAIN_SECRET, "pass-word"):
        assert secret not in ended.stdout + ended.stderr
    assert "http://***@127.0.0.1:11434/v1" in ended.stdout


def test_in_a_pipe_it_is_plain_text_that_begins_with_yaml(tmp_path: Path) -> None:
    shown = checked(tmp_path).stdout
    assert shown.isascii()
    said, config, chains = shown.partition("allow_paid")[0], *shown.split("\n\n")[1:3]
    assert said == "providers.yaml is valid\n\n"
    assert yaml.safe_load(config)["providers"][3]["api_key_env"] == "A_KEY"
    assert "api_key_env: A_KEY  # set\n" in config
    assert "api_key_env: NO_KEY  # not set\n" in config
    assert chains == "Whom each profile would ask now"
    assert "default: 1 local\n" in shown
    assert "default: - claude (skipped: paid, and allow_paid is false)\n" in shown
    assert "default: 3 keyless (without a key: NO_KEY is not set)\n" in shown


def test_at_a_terminal_it_is_a_table_of_its_width(tmp_path: Path) -> None:
    process.write_config(tmp_path, CONFIG)
    shown = coderouter_at_terminal(tmp_path, "check-config", env={"NO_COLOR": "1"}).stdout
    assert "  profile       provider" in shown
    assert "skipped: paid, and allow_paid is" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_all_faults_are_told_at_once_as_serve_does(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("providers: [{name: a, base_url: x}]\nprofiles: []\nspeed: 9\n")
    ended = coderouter(tmp_path, "check-config", *arguments)
    assert ended.code == 3
    faults = json.loads(ended.stdout)["faults"] if arguments else ended.stderr.splitlines()
    for part in (
        "base_url: 'x' is not an http(s) URL",
        "model: is missing",
        "profiles:",
        "speed: is not a known field",
    ):
        assert any(part in fault for fault in faults), faults
    assert faults == [f"{'' if arguments else 'coderouter: '}{line}" for line in served(tmp_path)]


def served(folder: Path) -> list[str]:
    said = process.start_fails(folder).splitlines()
    return [line.removeprefix("coderouter: ") for line in said]


def test_a_file_that_is_named_and_not_there_is_a_fault(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "check-config", "no.yaml")
    assert (ended.code, ended.stderr) == (
        3,
        "coderouter: no.yaml: there is no such file; name an existing one with --config\n",
    )


def test_without_a_file_the_built_in_configuration_is_shown(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "check-config")
    assert ended.code == 0
    assert ended.stdout.startswith("There is no providers.yaml; the built-in configuration is used\n")
    assert "default: 2 echo\n" in ended.stdout


def test_a_mode_that_does_not_exist_is_a_fault(tmp_path: Path) -> None:
    ended = checked(tmp_path, "--mode", "fast")
    assert ended.code == 3
    assert ended.stderr == "coderouter: there is no mode or profile 'fast'; there are money, default, paid\n"


@pytest.mark.parametrize("example", ["auto-routing", "local-and-free-cloud"])
def test_the_examples_pass(example: str, tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "deploy" / "examples" / f"{example}.yaml"
    assert coderouter(tmp_path, "check-config", path).code == 0
