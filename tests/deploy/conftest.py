"""One installation for all tests of this folder; a test that changes it gets a copy."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.programs import program
from support.proxy.upstream import Provider, serving
from support.scratch import INSTALL_S_MAX, ScratchRoot, scratch_root

INSTALLS = Path(__file__).with_name("test_install.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"root", "copy"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.timeout(2 * INSTALL_S_MAX))
    # First of all tests: the others that need the installation then find it, and no process of the run waits for it.
    items.sort(key=lambda item: item.path != INSTALLS)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[ScratchRoot]:
    with scratch_root() as root:
        for needed in ("systemd-sysusers", "systemd-tmpfiles", "setpriv"):
            program(needed)
        _install(root, _shared(tmp_path_factory, worker_id))
        root.make_users()
        yield root


def _shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return the folder that all processes of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


def _install(root: ScratchRoot, shared: Path) -> None:
    """Install into the root what the first process of this run has installed: most of the time goes into pip."""
    installed = shared / "installed"
    with (shared / "installed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            root.make("install")
            subprocess.run(["cp", "-a", root.folder, installed], check=True)
            return
    subprocess.run(["cp", "-a", f"{installed}/.", root.folder], check=True)


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
