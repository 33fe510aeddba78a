"""`coderouter doctor --check-env` finds keys that others can read, and never shows one."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from coderouter_proxy.doctor.keys.env_files import check_env
from coderouter_proxy.doctor.result import Result, exit_code
from coderouter_proxy.redact import masked, secret_places
from support.processes import clean_environment
from support.programs import program
from support.proxy import process
from support.run_command import coderouter

SECRET = "sk-live-0123456789abcdefghij"
PLAIN_SECRET = "correct-horse-battery"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which all is well: an env file of mode 0600, a providers.yaml without keys, no units."""
    (tmp_path / "units").mkdir()
    process.write_config(
        tmp_path, process.config([process.provider("a", "http://127.0.0.1:1/v1", api_key_env="A_KEY")])
    )
    env_file(tmp_path / ".env")
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", str(tmp_path / "units"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def env_file(path: Path, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"A_KEY={SECRET}\n")
    path.chmod(mode)
    return path


@dataclass(frozen=True)
class Found:
    """What was found, by the subject, with the name of its file only, and the check."""

    code: int
    results: dict[tuple[str, str], Result]

    def __getitem__(self, place: tuple[str, str]) -> Result:
        return self.results[place]

    @property
    def verdicts(self) -> dict[tuple[str, str], str]:
        return {place: result.verdict.value for place, result in self.results.items()}


def check(path: str | None = None, *env_files: str) -> Found:
    results = check_env(
        Path(path) if path else None, config=None, env_files=[Path(name) for name in env_files]
    )
    shown = "".join(result.message + result.remedy for result in results)
    assert SECRET not in shown
    assert PLAIN_SECRET not in shown
    return Found(
        exit_code(results), {(Path(result.subject).name, result.check): result for result in results}
    )


def git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "t@t" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        [program("git"), "-C", folder, *arguments], env=os.environ | who, check=True, capture_output=True
    )


def repaired(home: Path, remedy: str) -> None:
    subprocess.run(remedy.partition(", commit")[0], shell=True, cwd=home, check=True, capture_output=True)


def test_where_all_is_well_it_exits_0(home: Path) -> None:
    found = check()
    assert found.code == 0
    assert found.verdicts == {
        (".env", "mode"): "OK",
        (".env", "git"): "OK",
        ("providers.yaml", "keys in it"): "OK",
        ("systemd units", "keys in them"): "SKIP",
    }


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602, 0o601])
def test_a_file_that_others_may_use_needs_tuning_and_the_remedy_mends_it(mode: int, home: Path) -> None:
    env_file(home / ".env", mode)
    found = check()
    assert found.code == 2
    result = found[".env", "mode"]
    assert result.verdict == "NEEDS_TUNING"
    assert f"{mode:04o}" in result.message
    repaired(home, result.remedy)
    assert check().code == 0


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_that_only_its_owner_reads_is_well(mode: int, home: Path) -> None:
    env_file(home / ".env", mode)
    assert check().verdicts[".env", "mode"] == "OK"


def test_in_a_repository_it_has_to_be_ignored(home: Path) -> None:
    git(home, "init")
    found = check()
    assert found.code == 2
    assert found.verdicts[".env", "ignored by git"] == "NEEDS_TUNING"
    assert found.verdicts[".env", "tracked by git"] == "OK"
    repaired(home, found[".env", "ignored by git"].remedy)
    assert check().code == 0


@pytest.mark.parametrize("name", [".env", "it's a :(glob) *.env"])
def test_a_tracked_file_is_told_even_when_it_is_ignored(name: str, home: Path) -> None:
    env_file(home / name)
    git(home, "init")
    git(home, "--literal-pathspecs", "add", "--", name)
    git(home, "commit", "-m", "oops")
    (home / ".gitignore").write_text("*.env\n")
    found = check(name)
    assert found.code == 2
    assert found.verdicts[name, "ignored by git"] == "OK"
    result = found[name, "tracked by git"]
    assert result.verdict == "NEEDS_TUNING"
    assert "make new keys" in result.remedy
    repaired(home, result.remedy)
    assert check(name).code == 0


def test_in_a_hook_it_looks_at_the_repository_of_the_file(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init")
    git(home, "init")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert check().verdicts[".env", "ignored by git"] == "NEEDS_TUNING"


def test_of_a_link_the_file_that_holds_the_keys_is_looked_at(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init")
    (home / ".env").unlink()
    (home / ".env").symlink_to(env_file(other / "keys.env", 0o644))
    found = check()
    assert found.verdicts[".env", "mode"] == "NEEDS_TUNING"
    assert found.verdicts[".env", "ignored by git"] == "NEEDS_TUNING"


def test_without_git_that_part_is_skipped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert check().verdicts[".env", "git"] == "SKIP"


def test_a_git_that_hangs_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = home / "bin" / "git"
    hanging.parent.mkdir()
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hanging.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("coderouter_proxy.doctor.keys.git.GIT_S", 0.2)
    assert check().verdicts[".env", "git"] == "TRANSPORT_ERROR"


def test_without_a_path_it_looks_at_the_files_that_the_proxy_would_read(home: Path) -> None:
    env_file(home / "one.env", 0o644)
    env_file(home / ".coderouter" / ".env", 0o644)
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
    assert ".env:\n  OK  mode  0600: other users may not use it\n" in ended.stdout


def test_with_a_path_it_looks_at_no_other(home: Path) -> None:
    env_file(home / "one.env", 0o644)
    assert check(".env").code == 0


def test_a_path_that_is_not_there_could_not_be_looked_at(home: Path) -> None:
    found = check("nowhere.env")
    assert found.code == 1
    assert found["nowhere.env", "file"].message == "cannot be looked at: No such file or directory"


def test_without_any_env_file_that_is_said(home: Path) -> None:
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
        ({"api_key": PLAIN_SECRET}, "providers[0].api_key"),  # a fault as well, which does not matter here
    ],
)
def test_a_key_in_providers_yaml_is_told_by_its_place(
    provider: dict[str, object], place: str, home: Path
) -> None:
    process.write_config(home, process.config([{**process.provider("a", "http://127.0.0.1/v1"), **provider}]))
    found = check()
    assert found.code == 2
    result = found["providers.yaml", "keys in it"]
    assert place in result.message
    assert "make a new key" in result.remedy


def test_a_providers_yaml_that_is_no_yaml_could_not_be_looked_at(home: Path) -> None:
    for text in (f"a: [{SECRET}", f"a: !{SECRET} b"):
        (home / "providers.yaml").write_text(text)
        assert check().code == 1


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("coderouter.service", f"[Service]\nEnvironment=A_KEY={SECRET}\n", "A_KEY"),
        ("coderouter.service", f'Environment="X=1" "OPENAI_API_KEY={PLAIN_SECRET}"\n', "OPENAI_API_KEY"),
        ("coderouter.service", f"Environment=X=1 \\\n  Y=2 \\\n  HF_TOKEN={PLAIN_SECRET}\n", "HF_TOKEN"),
        ("mine.service", f"ExecStart=/opt/bin/coderouter serve\nEnvironment=A_KEY={SECRET}\n", "A_KEY"),
        ("coderouter.service.d/keys.conf", f"Environment=A_KEY={SECRET}\n", "A_KEY"),
        ("cr-exporter.service", f"Environment='A_KEY={SECRET}\n", "A_KEY"),
    ],
)
def test_a_key_in_a_unit_is_told_by_its_variable(name: str, text: str, told: str, home: Path) -> None:
    path = home / "units" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    found = check()
    assert found.code == 2
    result = found[path.name, "keys in it"]
    assert result.message == f"Environment= tells {told} to every user"


@pytest.mark.parametrize(
    "text",
    [
        "Environment=CODEROUTER_PORT=4000 ALLOW_PAID=true\nEnvironmentFile=/etc/coderouter/keys.env\n",
        f"# Environment=A_KEY={SECRET}\n",
        "Environment=A_KEY=$SECRET B_KEY=\n",
    ],
)
def test_a_unit_without_keys_is_well(text: str, home: Path) -> None:
    (home / "units" / "coderouter.service").write_text(text)
    found = check()
    assert found.code == 0
    assert found.verdicts["coderouter.service", "keys in it"] == "OK"


def test_a_file_that_a_unit_names_is_looked_at_as_well(home: Path) -> None:
    env_file(home / "service.env", 0o644)
    named = (
        f"EnvironmentFile=-{home}/service.env\nEnvironmentFile={home}/nowhere.env\nEnvironmentFile=%h/x.env\n"
    )
    (home / "units" / "coderouter.service").write_text(named)
    found = check()
    assert found.verdicts["service.env", "mode"] == "NEEDS_TUNING"
    assert ("nowhere.env", "file") not in found.results


def test_units_of_others_are_not_our_matter(home: Path) -> None:
    (home / "units" / "other.service").write_text(f"Environment=A_KEY={SECRET}\n")
    assert check().code == 0


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
def test_what_only_sounds_like_a_key_is_let_be(value: dict[str, object]) -> None:
    assert list(secret_places(value)) == []
    assert masked(value) == value
