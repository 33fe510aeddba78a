"""One installation for all tests of this folder; a test that changes it gets a copy."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from support.programs import program
from support.proxy.upstream import Provider, serving
from support.scratch import INSTALL_S_MAX, ScratchRoot, scratch_root


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"root", "copy"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(2 * INSTALL_S_MAX))


@pytest.fixture(scope="session")
def root() -> Iterator[ScratchRoot]:
    with scratch_root() as root:
        for needed in ("systemd-sysusers", "systemd-tmpfiles", "setpriv"):
            program(needed)
        root.make("install")
        root.make_users()
        yield root


@pytest.fixture
def copy(root: ScratchRoot) -> Iterator[ScratchRoot]:
    folder = root.folder.with_name(f"{root.folder.name}-copy")
    subprocess.run(["cp", "-a", root.folder, folder], check=True)
    for place in ("log/coderouter", "lib/coderouter", "lib/cr-exporter"):
        for left in (folder / "var" / place).glob("*"):
            left.unlink()  # another test's run left it
    try:
        yield ScratchRoot(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def a() -> Iterator[Provider]:
    with serving() as upstream:
        yield upstream.provider("a")
