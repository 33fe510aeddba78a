"""`coderouter completion` prints what makes shells complete both programs."""

import subprocess
from pathlib import Path

import pytest

from support.processes import SCRIPTS, clean_environment
from support.run_command import coderouter

BASH = """
eval "$(coderouter completion bash)"
COMP_WORDS=({words}) COMP_CWORD={last}
_{function}_completion {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def completed(words: str) -> list[str]:
    """Return what bash offers for the last word."""
    program = words.split(maxsplit=1)[0]
    script = BASH.format(
        words=words, last=len(words.split()) - 1, program=program, function=program.replace("-", "_")
    )
    environment = clean_environment(PATH=f"{SCRIPTS}:/usr/bin:/bin")
    shown = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return shown.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("coderouter st", "stats"),
        ("coderouter requests --foll", "--follow"),
        ("cr-proxy doc", "doctor"),
        ("cr-exporter fo", "fold"),
        ("coderouter serve --env-file-o", "--env-file-override"),
        ("coderouter env ope", "opencode"),
        ("coderouter service ins", "install"),
    ],
)
def test_bash_completes_commands_options_and_agents(words: str, offered: str) -> None:
    assert offered in completed(words)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_theirs(shell: str, tmp_path: Path) -> None:
    printed = coderouter(tmp_path, "completion", shell).stdout
    for variable in ("_CODEROUTER_COMPLETE", "_CR_PROXY_COMPLETE", "_CR_EXPORTER_COMPLETE"):
        assert f"{variable}={shell}_complete" in printed


def test_a_coderouter_of_another_product_is_not_completed(tmp_path: Path) -> None:
    other = tmp_path / "bin/coderouter"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n# from coderouter.cli import main\n")
    other.chmod(0o755)
    ended = coderouter(tmp_path, "completion", "bash", env={"PATH": f"{other.parent}:/usr/bin:/bin"})
    assert "_CODEROUTER_COMPLETE" not in ended.stdout
    assert "_CR_PROXY_COMPLETE" in ended.stdout


def test_an_unknown_shell_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "completion", "tcsh")
    assert ended.code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in ended.stderr
