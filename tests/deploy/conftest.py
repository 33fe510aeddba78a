"""One installation for all tests of this folder; each module gets a copy of its own."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import proxy
from support.programs import program
from support.scratch import ScratchRoot, scratch_root
from support.upstream import Provider, serving


@pytest.fixture(scope="session")
def installation() -> Iterator[ScratchRoot]:
    with scratch_root() as root:
        for needed in ("systemd-sysusers", "systemd-tmpfiles", "setpriv"):
            program(needed)
        root.make("install")
        root.make_users()
        yield root


@pytest.fixture(scope="module")
def root(installation: ScratchRoot) -> Iterator[ScratchRoot]:
    folder = installation.folder.with_name(f"{installation.folder.name}-copy")
    subprocess.run(["cp", "-a", installation.folder, folder], check=True)
    try:
        yield ScratchRoot(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def a() -> Iterator[Provider]:
    with serving() as upstream:
        yield upstream.provider("a")


@pytest.fixture
def configured(root: ScratchRoot, a: Provider) -> Path:
    """The installed providers.yaml, which names one provider of the test; owner and mode stay those of the installation."""
    path = root.path("/etc/coderouter/providers.yaml")
    proxy.write_config(path.parent, proxy.config([proxy.provider("a", a.base_url)]))
    return path
