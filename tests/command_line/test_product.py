"""`--version` and the doctor say when another product answers to `coderouter`, and how to repair it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.processes import SCRIPTS, clean_environment
from support.run_command import coderouter, run

CLI = "#!/usr/bin/python3\nfrom coderouter.cli import main\nmain()\n"
BINARY = b"\x7fELF\x02\x01\x01"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return the `bin` of an environment with this distribution, whose files are recorded as pip does."""
    (tmp_path / "bin").mkdir()
    for name in ("coderouter", "cr-proxy"):
        shutil.copy(SCRIPTS / name, tmp_path / "bin" / name)
    _distribution(tmp_path, "coderouter_exporter", "../../bin/coderouter")
    return tmp_path / "bin"


def _distribution(folder: Path, name: str, script: str, size: int = 0) -> None:
    info = folder / "lib/site" / f"{name}-2.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 2.0.0\n")
    (info / "RECORD").write_text(f"{script},,{size or ''}\n")


def version(installed: Path, *path: Path) -> list[str]:
    """Return the lines of `cr-proxy --version` with these folders on PATH."""
    environment = clean_environment(
        PATH=os.pathsep.join(map(str, (*path, "/usr/bin"))), PYTHONPATH=str(installed.parent / "lib/site")
    )
    shown = subprocess.run(
        [installed / "cr-proxy", "--version"], env=environment, capture_output=True, text=True, check=True
    )
    return shown.stdout.splitlines()


def test_it_names_the_distribution(installed: Path) -> None:
    assert version(installed, installed) == ["coderouter 2.0.0 (distribution coderouter-exporter)"]


@pytest.mark.parametrize(("script", "owner"), [(CLI.encode(), "coderouter-cli"), (BINARY, "coderouter")])
def test_a_command_that_another_product_has_overwritten_is_named_with_the_repair(
    script: bytes, owner: str, installed: Path
) -> None:
    _distribution(installed.parent, owner.replace("-", "_"), "../../bin/coderouter")
    (installed / "coderouter").write_bytes(script)
    _, line = version(installed)
    belongs = f"{installed}/coderouter belongs to {owner}; use cr-proxy, or install this one again: "
    assert line.startswith(belongs)
    assert "install" in line.partition("again: ")[2]


def test_of_two_products_that_installed_it_the_one_whose_file_it_is_is_named(installed: Path) -> None:
    for name, size in (("coderouter_cli", 200), ("coderouter", len(BINARY)), ("coderouter_t", 300)):
        _distribution(installed.parent, name, "../../bin/coderouter", size)
    (installed / "coderouter").write_bytes(BINARY)
    _, line = version(installed)
    assert line.startswith(f"{installed}/coderouter belongs to coderouter; ")


def test_a_command_that_uninstalling_another_product_has_removed_is_named(installed: Path) -> None:
    (installed / "coderouter").unlink()
    _, line = version(installed)
    assert line.startswith(f"{installed}/coderouter is gone; use cr-proxy, or install this one again: ")


@pytest.mark.parametrize(("script", "owner"), [(CLI.encode(), "coderouter-cli"), (BINARY, "another product")])
def test_a_command_that_comes_first_on_the_path_is_named(
    script: bytes, owner: str, installed: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / "coderouter").write_bytes(script)
    (first / "coderouter").chmod(0o755)
    _, line = version(installed, first, installed)
    assert line.startswith(f"`coderouter` on this PATH is {first}/coderouter, which belongs to {owner}")
    assert f"export PATH={installed}:$PATH" in line


@pytest.mark.parametrize("script", ["#!/bin/sh\nexec pyenv exec coderouter\n", None])
def test_a_version_managers_shim_and_no_command_at_all_are_no_problem(
    script: str | None, installed: Path, tmp_path: Path
) -> None:
    first = tmp_path / "first"
    first.mkdir()
    if script:
        (first / "coderouter").write_text(script)
        (first / "coderouter").chmod(0o755)
    assert len(version(installed, first)) == 1


def test_another_installation_of_this_distribution_is_no_problem(installed: Path) -> None:
    assert len(version(installed, SCRIPTS)) == 1


def test_the_alias_is_the_same_command(tmp_path: Path) -> None:
    of_both = [run((SCRIPTS / name, "serve", "-h")).stdout for name in ("coderouter", "cr-proxy")]
    assert of_both[0] == of_both[1].replace("cr-proxy serve", "coderouter serve")
    assert coderouter(tmp_path, "doctor", "-h").code == 0
