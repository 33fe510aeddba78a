"""The command `coderouter doctor`: its output at a terminal and in a pipe, its JSON and its exit codes."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.processes import clean_environment
from support.proxy import doctor, process
from support.proxy import openai_answers as openai
from support.proxy.doctor import names_in
from support.proxy.model import Model
from support.proxy.process import CODEROUTER
from support.proxy.upstream import Provider

pytestmark = pytest.mark.slow

FLAWED = Model(context_tokens=2048, answer_tokens=128, tools="words", leak="<think>Hm.</think><|im_end|>")
ECHO: dict[str, object] = {"name": "echo", "kind": "echo"}
CONFIG = """\
allow_paid: {allow_paid}
providers:
  # the machine under the desk
  - name: local
    base_url: {a}
    model: "small"    # quoted
    extra_body: {{top_k: 7}}

  # the good one
  - {{name: good, base_url: {b}, model: large, paid: true}}
  - {{name: echo, kind: echo}}
profiles:
  - {{name: default, providers: [local, good, echo]}}
"""
PATCH = """\
providers.yaml, provider local:

    extra_body:
      options: {num_ctx: 16384}
      max_tokens: 4096
    capabilities: {tools: false}
    output_filters: [strip_thinking, strip_stop_markers]

Add this by hand, or run the same command again with --apply.
"""


@pytest.fixture
def folder(tmp_path: Path, a: Provider, b: Provider) -> Path:
    """A folder whose providers.yaml has a flawed model, a good one that costs money, and the echo."""
    a.plays(always=FLAWED)
    b.plays(always=Model())
    write(tmp_path, a, b)
    return tmp_path


def write(folder: Path, a: Provider, b: Provider, *, allow_paid: bool = False) -> None:
    text = CONFIG.format(a=a.base_url, b=b.base_url, allow_paid=str(allow_paid).lower())
    process.write_config(folder, text)


def test_a_pipe_gets_plain_text_and_a_patch_to_copy(folder: Path) -> None:
    found = doctor.run(folder, "--check-model", "local")
    assert found.exit_code == 2
    assert found.stderr == ""
    lines = found.stdout.splitlines()
    assert lines[0] == "local:"
    assert lines[1].startswith("  OK            chat       small answers within ")
    assert "  NEEDS_TUNING  tools      calls no tool, but answers in words" in lines
    assert found.stdout.endswith(f"\n\n{PATCH}")


def test_an_applied_patch_fixes_all_at_once_and_keeps_the_rest(folder: Path) -> None:
    before = (folder / "providers.yaml").read_text()
    dry = doctor.run(folder, "--check-model", "local", "--apply", "--dry-run")
    assert (dry.exit_code, (folder / "providers.yaml").read_text()) == (2, before)
    diff = dry.stdout[dry.stdout.index("--- ") : dry.stdout.index("\nNothing was written")]

    applied = doctor.run(folder, "--check-model", "local", "--apply")
    assert applied.exit_code == 2
    assert diff in applied.stdout
    assert f"providers.yaml was changed; backup: {folder}/providers.yaml.bak\n" in applied.stdout
    assert (folder / "providers.yaml.bak").read_text() == before
    after = (folder / "providers.yaml").read_text()
    assert after == before.replace(
        "    extra_body: {top_k: 7}\n",
        "    extra_body: {top_k: 7, options: {num_ctx: 16384}, max_tokens: 4096}\n"
        "    capabilities: {tools: false}\n"
        "    output_filters: [strip_thinking, strip_stop_markers]\n",
    )

    again = doctor.run(folder, "--check-model", "local", "--apply")
    assert again.exit_code == 0, again.stdout
    assert again.stdout.endswith("providers.yaml needs no change.\n")
    assert names_in(folder) == ["providers.yaml", "providers.yaml.bak"]


def test_json_has_everything(folder: Path) -> None:
    found = doctor.run(folder, "--check-model", "local", "--json", "--dry-run")
    report = found.json
    assert found.exit_code == report["exit_code"] == 2
    assert [result["check"] for result in report["results"]] == [
        "chat",
        "context",
        "streaming",
        "tools",
        "thinking",
        "leaks",
    ]
    assert report["results"][3] == {
        "subject": "local",
        "check": "tools",
        "verdict": "NEEDS_TUNING",
        "message": "calls no tool, but answers in words",
        "remedy": "",
        "patch": {"capabilities": {"tools": False}},
    }
    assert report["change"]["path"] == str(folder / "providers.yaml")
    assert report["change"]["backup"] is None
    assert "+    capabilities: {tools: false}" in report["change"]["diff"]
    assert "change" not in doctor.run(folder, "--check-model", "echo", "--json").json


def test_all_skips_a_paid_provider_unless_it_is_allowed_or_named(
    folder: Path, a: Provider, b: Provider
) -> None:
    def of_good(*options: str) -> Any:
        results = doctor.run(folder, "--json", *options).json["results"]
        return [result["verdict"] for result in results if result["subject"] == "good"]

    good = ["OK", "OK", "OK", "OK", "SKIP", "OK"]
    assert of_good("--all") == ["SKIP"]
    assert b.requests == []
    assert of_good("--all", "--check-model", "good") == good
    assert of_good("--check-model", "good") == good
    write(folder, a, b, allow_paid=True)
    assert of_good("--all") == good


def test_ruamel_is_imported_only_to_change_a_file(folder: Path) -> None:
    def loads_ruamel(*options: str) -> bool:
        env = {"PYTHONPROFILEIMPORTTIME": "1"}
        return "ruamel" in doctor.run(folder, "--check-model", "echo", *options, env=env).stderr

    assert not loads_ruamel()
    assert loads_ruamel("--dry-run")


def test_could_not_run_wins_over_needs_tuning(folder: Path, b: Provider) -> None:
    b.plays(always=openai.error("who are you", 401))
    found = doctor.run(folder, "--all", "--check-model", "good")
    assert found.exit_code == 1
    assert "AUTH_FAIL  chat       responds with 401: who are you" in found.stdout
    assert "NEEDS_TUNING" in found.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--check-model", "who"],
            "coderouter: there is no provider 'who'; the providers are local, good, echo\n",
        ),
        (["--check-model", "echo", "--config", "none.yaml"], "none.yaml: there is no such file"),
        (["--check-model", "echo", "--env-file", "none.env"], "none.env: cannot be read"),
        (["--no-such-option"], "No such option"),
        (["--apply"], "--apply and --dry-run require --check-model or --all"),
    ],
)
def test_a_usage_error_exits_1_because_2_means_needs_tuning(
    options: list[str], message: str, folder: Path
) -> None:
    found = doctor.run(folder, *options)
    assert (found.exit_code, found.stdout) == (1, "")
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_the_built_in_configuration_cannot_be_changed(tmp_path: Path) -> None:
    found = doctor.run(tmp_path, "--check-model", "echo", "--apply")
    assert found.exit_code == 1
    assert found.stderr.startswith("coderouter: there is no providers.yaml to change")
    assert "built in: answers with the user's words" in found.stdout


def test_if_the_change_fails_the_results_are_still_shown(folder: Path) -> None:
    text = (folder / "providers.yaml").read_text()
    shared = text.replace("- name: local\n", "- &base\n    name: local\n").replace(
        "- {name: echo, kind: echo}", "- {<<: *base, name: copy}\n  - {name: echo, kind: echo}"
    )
    (folder / "providers.yaml").write_text(shared)
    found = doctor.run(folder, "--check-model", "local", "--apply")
    assert found.exit_code == 1
    assert "edit these fields by hand" in found.stderr
    assert "num_ctx: 16384" in found.stdout
    assert (folder / "providers.yaml").read_text() == shared


def test_an_env_file_provides_the_key_and_its_value_is_not_shown(folder: Path, b: Provider) -> None:
    text = (folder / "providers.yaml").read_text()
    (folder / "providers.yaml").write_text(text.replace("paid: true", "api_key_env: GOOD_KEY"))
    (folder / "keys.env").write_text("GOOD_KEY=a plain secret\n")
    found = doctor.run(folder, "--check-model", "good", "--env-file", "keys.env")
    assert found.exit_code == 0
    assert found.stderr == "coderouter: keys.env set GOOD_KEY\n"
    assert b.request.headers["authorization"] == "Bearer a plain secret"
    assert "a plain secret" not in found.stdout


def at_a_terminal(folder: Path, *options: str, **env: str) -> str:
    """Return what a terminal with 80 columns shows."""
    ours, theirs = pty.openpty()
    environment = clean_environment(HOME=str(folder), COLUMNS="80", TERM="xterm-256color") | env
    command: list[str | Path] = [CODEROUTER, "doctor", *options]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as run:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:  # the command has exited
            pass
        run.wait(30)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_a_terminal_gets_a_table_with_colours_unless_no_color_is_set(folder: Path) -> None:
    coloured = at_a_terminal(folder, "--check-model", "local")
    assert "\x1b[33mNEEDS_TUNING\x1b[0m" in coloured
    assert "local: leaks" in coloured  # the progress
    plain = at_a_terminal(folder, "--check-model", "local", NO_COLOR="1")
    assert "\x1b[33m" not in plain
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", plain)
    table = plain[plain.index("check ") : plain.index("providers.yaml, provider")]
    assert all(len(line) <= 80 for line in table.splitlines())
    assert "calls no tool, but answers in words" in table
    assert plain.endswith(PATCH)


def test_json_at_a_terminal_is_json(folder: Path) -> None:
    shown = at_a_terminal(folder, "--check-model", "echo", "--json")
    assert json.loads(shown[shown.index("{") : shown.rindex("}") + 1])["exit_code"] == 0
