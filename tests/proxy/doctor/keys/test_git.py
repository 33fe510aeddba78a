"""An env file in a git repository has to be ignored and must not be tracked."""

import os
from pathlib import Path

import pytest

from support.proxy.keys import check, git, run_remedy, write_env_file


def test_in_a_repository_the_file_has_to_be_ignored(home: Path) -> None:
    git(home, "init")
    found = check()
    assert found.code == 2
    assert found.verdicts[".env", "ignored by git"] == "NEEDS_TUNING"
    assert found.verdicts[".env", "tracked by git"] == "OK"
    run_remedy(home, found[".env", "ignored by git"].remedy)
    assert check().code == 0


@pytest.mark.parametrize("name", [".env", "it's a :(glob) *.env"])
def test_a_tracked_file_is_reported_even_if_it_is_ignored(name: str, home: Path) -> None:
    write_env_file(home / name)
    git(home, "init")
    git(home, "--literal-pathspecs", "add", "--", name)
    git(home, "commit", "-m", "oops")
    (home / ".gitignore").write_text("*.env\n")
    found = check(name)
    assert found.code == 2
    assert found.verdicts[name, "ignored by git"] == "OK"
    result = found[name, "tracked by git"]
    assert result.verdict == "NEEDS_TUNING"
    assert "create new keys" in result.remedy
    run_remedy(home, result.remedy)
    assert check(name).code == 0


def test_in_a_git_hook_the_repository_of_the_file_is_checked(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init")
    git(home, "init")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert check().verdicts[".env", "ignored by git"] == "NEEDS_TUNING"


def test_the_target_of_a_symlink_is_checked(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init")
    (home / ".env").unlink()
    (home / ".env").symlink_to(write_env_file(other / "keys.env", 0o644))
    found = check()
    assert found.verdicts[".env", "mode"] == "NEEDS_TUNING"
    assert found.verdicts[".env", "ignored by git"] == "NEEDS_TUNING"


def test_without_git_its_checks_are_skipped(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert check().verdicts[".env", "git"] == "SKIP"


def test_a_git_that_hangs_times_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = home / "bin" / "git"
    hanging.parent.mkdir()
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hanging.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("coderouter_proxy.doctor.keys.git.TIMEOUT_S", 0.2)
    assert check().verdicts[".env", "git"] == "TRANSPORT_ERROR"
