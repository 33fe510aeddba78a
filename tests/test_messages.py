"""What messages say of an OSError: its reason. `str` of it also has a number, and the path once more."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import coderouter_events
import coderouter_exporter
import coderouter_http
import coderouter_proxy
from coderouter_events.reasons import reason_of

PACKAGES = (coderouter_events, coderouter_exporter, coderouter_http, coderouter_proxy)
MODULES = [path for package in PACKAGES for path in Path(str(package.__file__)).parent.rglob("*.py")]
LOGGED = {"debug", "info", "warning", "error"}


def of_files(handler: ast.ExceptHandler) -> bool:
    return handler.type is not None and "OSError" in {
        node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)
    }


def printed(handler: ast.ExceptHandler) -> Iterator[ast.expr]:
    """Yield what is put into a text as it is: in an f-string, or as an argument of the log."""
    for node in ast.walk(handler):
        if isinstance(node, ast.FormattedValue):
            yield node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOGGED:
            yield from node.args


def prints_the_error(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler) and of_files(node):
            yield from (
                each.lineno for each in printed(node) if isinstance(each, ast.Name) and each.id == node.name
            )


def test_no_message_has_an_oserror_as_it_is() -> None:
    assert {path: lines for path in MODULES if (lines := list(prints_the_error(path)))} == {}


def test_the_reason_of_an_oserror_has_no_number_and_no_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        (tmp_path / "missing").read_bytes()
    assert reason_of(missing.value) == "No such file or directory"


@pytest.mark.parametrize("error", [ValueError("it is empty"), OSError("it is empty")])
def test_an_error_without_a_reason_of_the_system_gives_its_text(error: Exception) -> None:
    assert reason_of(error) == "it is empty"


def test_what_is_not_utf8_is_said_without_words_of_python(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(UnicodeDecodeError) as not_text:
        path.read_text(encoding="utf-8")
    assert reason_of(not_text.value) == "it is not UTF-8: it has the byte 0xe9"
