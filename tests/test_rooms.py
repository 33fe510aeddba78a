"""Folders are the architecture: each says in one sentence what it is for, and imports go one way."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import coderouter_events
import coderouter_exporter
import coderouter_http
import coderouter_proxy

# Each folder may import those to its right, and modules directly in its package.
ORDER = {
    "coderouter_proxy": (
        "commands",
        "doctor init services",
        "server",
        "ingress settings prices",
        "routing",
        "providers",
        "relay",
        "wires",
        "agents eventlog config senders",
        "shared_memory",
    ),
    "coderouter_exporter": (
        "terminal http",
        "offline queries otlp",
        "render",
        "engine",
        "tail fold",
        "rows",
        "state",
        "records",
        "families",
    ),
}
MODULES_MAX = 8
LEVELS_MAX = 11
ROOTS = {
    package.__name__: Path(str(package.__file__)).parent
    for package in (coderouter_events, coderouter_http, coderouter_proxy, coderouter_exporter)
}
# Modules directly in a package that stand above its folders.
TOP = {"coderouter_proxy": {"cli"}, "coderouter_exporter": {"cli", "run"}}


def modules(package: str) -> dict[str, Path]:
    """Return the modules of the package by their dotted name without the package's own."""
    root = ROOTS[package]
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): path
        for path in root.rglob("*.py")
        if path.name != "__init__.py"
    }


def imported(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports, of modules as of what is in them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages_of(package: str) -> set[str]:
    """Return our own packages that the package imports, itself left out."""
    names = {name.partition(".")[0] for path in modules(package).values() for name in imported(path)}
    return {name for name in names if name in ROOTS} - {package}


def room(dotted: str) -> str:
    return dotted.partition(".")[0] if "." in dotted else ""


@pytest.mark.parametrize("package", ORDER)
def test_folders_import_one_way(package: str) -> None:
    rank = {name: number for number, level in enumerate(ORDER[package]) for name in level.split()}
    folders = {room(dotted) for dotted in modules(package)} - {""}
    assert rank.keys() == folders
    for dotted, path in modules(package).items():
        own = room(dotted)
        for name in imported(path):
            top, _, inner = name.partition(".")
            if top != package:
                continue
            target = room(inner) if room(inner) in folders else inner if inner in folders else ""
            if not own:
                assert dotted in TOP[package] or not target, f"{dotted} imports {name}"
            elif target and target != own:
                assert rank[target] > rank[own], f"{dotted} imports {name}"
            elif not target:
                assert inner.partition(".")[0] not in TOP[package], f"{dotted} imports {name}"


@pytest.mark.parametrize("package", ORDER)
def test_folders_have_few_levels(package: str) -> None:
    assert len(ORDER[package]) + 1 <= LEVELS_MAX


@pytest.mark.parametrize("package", ROOTS)
def test_few_modules_lie_directly_in_a_package(package: str) -> None:
    assert len([dotted for dotted in modules(package) if "." not in dotted]) <= MODULES_MAX


@pytest.mark.parametrize("package", ROOTS)
def test_each_folder_says_in_one_sentence_what_it_is_for(package: str) -> None:
    for folder in {path.parent for path in modules(package).values()}:
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))
        assert text, folder
        assert text.endswith((".", "?")), folder
        assert text.count("\n") == 0, folder


def test_the_programs_share_only_the_contract_and_the_server() -> None:
    assert packages_of("coderouter_events") == set()
    assert packages_of("coderouter_http") <= {"coderouter_events"}
    assert packages_of("coderouter_proxy") <= {"coderouter_events", "coderouter_http"}
    assert packages_of("coderouter_exporter") <= {"coderouter_events", "coderouter_http"}


def test_the_contract_needs_nothing_but_the_standard_library() -> None:
    names = {
        name.partition(".")[0] for path in modules("coderouter_events").values() for name in imported(path)
    }
    assert names <= sys.stdlib_module_names | {"coderouter_events"}
