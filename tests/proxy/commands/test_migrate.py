"""`coderouter migrate` shows what becomes of each key, and writes only with --write and consent."""

from pathlib import Path

import pytest

from support.run_command import coderouter, coderouter_at_terminal

pytestmark = pytest.mark.slow

OLD = """\
providers:
  - name: a
    base_url: http://127.0.0.1:1/v1
    model: m
    max_context_tokens: 9000  # of the server
profiles:
  - name: default
    providers: [a]
    adaptive: true
"""
NEW = """\
providers:
  - name: a
    base_url: http://127.0.0.1:1/v1
    model: m
    capabilities: {max_context_tokens: 9000}  # of the server
profiles:
  - name: default
    providers: [a]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(OLD, encoding="utf-8")
    return path


def test_it_shows_the_keys_and_the_diff_and_writes_nothing(file: Path) -> None:
    ended = coderouter(file.parent, "migrate")
    assert ended.code == 0, ended.stderr
    assert (
        f"{file}:5: providers[0].max_context_tokens: same: is `capabilities.max_context_tokens`"
        in ended.stdout
    )
    assert f"{file}:9: profiles[0].adaptive: no effect" in ended.stdout
    assert "-    adaptive: true" in ended.stdout
    assert f"Nothing was written; --write changes {file}." in ended.stdout
    assert file.read_text() == OLD
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_it_writes_after_a_backup_and_then_there_is_nothing_left(file: Path) -> None:
    ended = coderouter(file.parent, "migrate", "--write", "--yes", file)
    assert ended.code == 0, ended.stderr
    assert (file.read_text(), file.with_name("providers.yaml.bak").read_text()) == (NEW, OLD)
    again = coderouter(file.parent, "migrate", "--write", "--yes", file)
    assert "nothing to change" in again.stdout
    assert "2.x" not in coderouter(file.parent, "check-config", file).stdout


@pytest.mark.parametrize(("answer", "written"), [("y", NEW), ("n", OLD)])
def test_it_asks_first(answer: str, written: str, file: Path) -> None:
    coderouter_at_terminal(file.parent, "migrate", "--write", types=[("[y/N]", f"{answer}\n")])
    assert file.read_text() == written


def test_where_nobody_can_be_asked_nothing_is_written(file: Path) -> None:
    ended = coderouter(file.parent, "migrate", "--write")
    assert (ended.code, file.read_text()) == (1, OLD)
    assert "--yes" in ended.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OLD.replace("adaptive", "adaptiv"), "is not a known field; did you mean adaptive?"),
        (OLD.replace("name: a\n", "name: a\n    kind: myplugin\n"), "nothing is left to write"),
    ],
)
def test_what_it_cannot_write_is_said_and_left(text: str, words: str, file: Path) -> None:
    file.write_text(text)
    ended = coderouter(file.parent, "migrate", "--write", "--yes")
    assert (ended.code, file.read_text()) == (3, text)
    assert words in ended.stderr


def test_without_a_file_there_is_nothing_to_migrate(tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "migrate")
    assert (ended.code, ended.stderr) == (3, "coderouter: there is no providers.yaml to migrate; name one\n")
