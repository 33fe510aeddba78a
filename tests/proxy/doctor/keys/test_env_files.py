"""`coderouter doctor --check-env` finds keys that others can read, and never shows one."""

import json
from pathlib import Path

import pytest

from coderouter_proxy.redact import masked, secret_places
from support.proxy import process
from support.proxy.keys import PLAIN_SECRET, SECRET, check, run_remedy, write_env_file
from support.run_command import coderouter


def test_keys_that_are_stored_safely_exit_0(home: Path) -> None:
    found = check()
    assert found.code == 0
    assert found.verdicts == {
        (".env", "mode"): "OK",
        (".env", "git"): "OK",
        ("providers.yaml", "keys in it"): "OK",
        ("systemd units", "keys in them"): "SKIP",
    }


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602, 0o601])
def test_a_file_that_other_users_can_access_needs_tuning_and_the_remedy_fixes_it(
    mode: int, home: Path
) -> None:
    write_env_file(home / ".env", mode)
    found = check()
    assert found.code == 2
    result = found[".env", "mode"]
    assert result.verdict == "NEEDS_TUNING"
    assert f"{mode:04o}" in result.message
    run_remedy(home, result.remedy)
    assert check().code == 0


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_its_owner_can_read_is_ok(mode: int, home: Path) -> None:
    write_env_file(home / ".env", mode)
    assert check().verdicts[".env", "mode"] == "OK"


def test_without_a_path_the_files_that_the_proxy_would_read_are_checked(home: Path) -> None:
    write_env_file(home / "one.env", 0o644)
    write_env_file(home / ".coderouter" / ".env", 0o644)
    ended = coderouter(home, "doctor", "--check-env", "--json", env={"CODEROUTER_ENV_FILE": "one.env"})
    modes = [
        (r["subject"], r["verdict"]) for r in json.loads(ended.stdout)["results"] if r["check"] == "mode"
    ]
    usual = str(home / ".coderouter" / ".env")
    assert modes == [("one.env", "NEEDS_TUNING"), (".env", "OK"), (usual, "NEEDS_TUNING")]
    assert ended.code == 2
    assert SECRET not in ended.stdout + ended.stderr


def test_the_command_takes_a_path(home: Path) -> None:
    ended = coderouter(home, "doctor", "--check-env", ".env")
    assert ended.code == 0
    assert ".env:\n  OK  mode  0600: other users have no access\n" in ended.stdout


def test_with_a_path_no_other_env_file_is_checked(home: Path) -> None:
    write_env_file(home / "one.env", 0o644)
    assert check(".env").code == 0


def test_a_path_that_does_not_exist_could_not_be_checked(home: Path) -> None:
    found = check("nowhere.env")
    assert found.code == 1
    assert found["nowhere.env", "file"].message == "cannot be read: No such file or directory"


def test_without_any_env_file_the_check_is_skipped(home: Path) -> None:
    (home / ".env").unlink()
    found = check()
    assert found.code == 0
    assert found["", "env file"].verdict == "SKIP"


@pytest.mark.parametrize(
    ("provider", "place"),
    [
        ({"extra_body": {"api_key": PLAIN_SECRET}}, "providers[0].extra_body.api_key"),
        (
            {"extra_body": {"headers": {"Authorization": f"Bearer {PLAIN_SECRET}"}}},
            "extra_body.headers.Authorization",
        ),
        ({"base_url": f"http://me:{PLAIN_SECRET}@127.0.0.1/v1"}, "providers[0].base_url"),
        ({"api_key_env": SECRET}, "providers[0].api_key_env"),
        ({"extra_body": {SECRET: 1}}, "providers[0].extra_body.***"),
        ({"api_key": PLAIN_SECRET}, "providers[0].api_key"),  # invalid as well, which does not matter here
    ],
)
def test_a_key_in_providers_yaml_is_reported_by_its_place(
    provider: dict[str, object], place: str, home: Path
) -> None:
    process.write_config(home, process.config([{**process.provider("a", "http://127.0.0.1/v1"), **provider}]))
    found = check()
    assert found.code == 2
    result = found["providers.yaml", "keys in it"]
    assert place in result.message
    assert "create a new key" in result.remedy


def test_a_providers_yaml_that_is_not_yaml_could_not_be_checked(home: Path) -> None:
    for text in (f"a: [{SECRET}", f"a: !{SECRET} b"):
        (home / "providers.yaml").write_text(text)
        assert check().code == 1


@pytest.mark.parametrize(
    "value",
    [
        {
            "max_tokens": 4096,
            "stop_token": "<|im_end|>",
            "api_key_env": "OPENAI_API_KEY",
            "keep_alive": "24h",
        },
        {"api_keys_env": "CLIENT_KEYS", "token": "${TOKEN}", "base_url": "http://127.0.0.1:11434/v1"},
        {"key": "short", "options": {"num_ctx": 8192}, "model": "sk-learn"},
    ],
)
def test_what_only_resembles_a_key_is_left_alone(value: dict[str, object]) -> None:
    assert list(secret_places(value)) == []
    assert masked(value) == value
