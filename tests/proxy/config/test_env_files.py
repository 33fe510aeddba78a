"""Keys come from the environment and from env files; their names are logged, never their values."""

from pathlib import Path

import pytest

from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.process import failed_start, serving
from support.proxy.upstream import Provider

pytestmark = pytest.mark.slow

FILE = """\
# keys
export A_KEY='from the file'
OTHER = "with # and = in it"
ONLY_A_NAME
"""


def config(a: Provider) -> dict[str, object]:
    keyless = process.provider("keyless", a.base_url, api_key_env="NO_SUCH_KEY")
    return process.config([process.provider("a", a.base_url, api_key_env="A_KEY"), keyless])


def sent_key(a: Provider) -> str:
    return a.request.headers["authorization"]


@pytest.mark.parametrize(
    ("options", "env", "key", "named"),
    [
        ([], {}, "from the file", "A_KEY, OTHER"),
        ([], {"A_KEY": "from the shell"}, "from the shell", "OTHER"),
        (["--env-file-override"], {"A_KEY": "from the shell"}, "from the file", "A_KEY, OTHER"),
        ([], {"A_KEY": "from the shell", "OTHER": "x"}, "from the shell", "nothing"),
    ],
)
def test_the_shell_overrides_the_file_unless_asked_otherwise_and_only_names_are_logged(
    options: list[str], env: dict[str, str], key: str, named: str, tmp_path: Path, a: Provider
) -> None:
    a.plays(says.answer())
    (tmp_path / "keys.env").write_text(FILE)
    with serving(tmp_path, config(a), "--env-file", "keys.env", *options, env=env) as served:
        assert served.chat().rest().status == 200
        stderr = served.command.stderr
    assert sent_key(a) == f"Bearer {key}"
    assert stderr.splitlines()[0] == f"coderouter: keys.env set {named}"
    assert "from the" not in stderr


@pytest.mark.parametrize(
    ("options", "env", "key", "named"),
    [
        (["--env-file", "one.env", "--env-file", "two.env"], {}, "one", ["A_KEY", "OTHER"]),
        (
            ["--env-file-override"],
            {"CODEROUTER_ENV_FILE": "one.env:two.env"},
            "two",
            ["A_KEY", "A_KEY, OTHER"],
        ),
    ],
)
def test_several_files_are_read_in_their_order(
    options: list[str], env: dict[str, str], key: str, named: list[str], tmp_path: Path, a: Provider
) -> None:
    a.plays(says.answer())
    (tmp_path / "one.env").write_text("A_KEY=one\n")
    (tmp_path / "two.env").write_text("A_KEY=two\nOTHER=x\n")
    with serving(tmp_path, config(a), *options, env=env) as served:
        assert served.chat().rest().status == 200
        stderr = served.command.stderr.splitlines()
    assert sent_key(a) == f"Bearer {key}"
    assert stderr[:2] == [f"coderouter: one.env set {named[0]}", f"coderouter: two.env set {named[1]}"]


@pytest.mark.parametrize(
    "content", [None, b"\xff\xfe", b"A_KEY=a\0b\n"], ids=["missing", "not text", "null byte"]
)
def test_a_file_that_cannot_be_read_fails_the_start(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "keys.env").write_bytes(content)
    [line] = failed_start(tmp_path, "--env-file", "keys.env").splitlines()
    assert line.startswith("coderouter: keys.env: cannot be read: ")
    assert line.endswith("; name an existing file with --env-file")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_missing_key_is_logged_once_with_the_name_of_its_provider(
    workers: str, tmp_path: Path, a: Provider
) -> None:
    a.plays(says.answer())
    with serving(tmp_path, config(a), "--workers", workers, env={"A_KEY": "here"}) as served:
        eventually(lambda: served.get("/healthz").status == 200)
        assert served.chat().rest().status == 200
        assert served.command.stop() == 0
        stderr = served.command.stderr
    assert stderr.count("provider 'keyless' has no key: NO_SUCH_KEY is not set") == 1
    assert stderr.count("has no key") == 1
