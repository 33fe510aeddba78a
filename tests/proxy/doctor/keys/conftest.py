"""A home folder in which keys are stored safely."""

import os
from pathlib import Path

import pytest

from support.processes import clean_environment
from support.proxy import process
from support.proxy.keys import write_env_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an env file of mode 0600, a providers.yaml without keys, and no units."""
    (tmp_path / "units").mkdir()
    process.write_config(
        tmp_path, process.config([process.provider("a", "http://127.0.0.1:1/v1", api_key_env="A_KEY")])
    )
    write_env_file(tmp_path / ".env")
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SYSTEMD_UNIT_PATH", str(tmp_path / "units"))
    monkeypatch.chdir(tmp_path)
    return tmp_path
