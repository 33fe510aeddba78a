"""Ask the probes about one provider of the tests, without a process for each question."""

from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.doctor.probes import run
from coderouter_proxy.routing import capabilities
from support.proxy import process
from support.proxy.upstream import Answers, Provider, Script


class Found:
    """What the probes say of the provider of a providers.yaml."""

    def __init__(self, path: Path, timeout_s: float | None = None) -> None:
        config = load.load(path).config
        chosen = run.chosen(config, ["a"], all_providers=False)
        self.results = run.check_models(chosen, capabilities.load(), timeout_s, lambda _: None)
        self.by_check = {result.check: result for result in self.results}
        self.verdicts = {result.check: result.verdict.value for result in self.results}

    def patch(self, check: str) -> Any:
        return self.by_check[check].patch

    def words(self, check: str) -> str:
        return f"{self.by_check[check].message} → {self.by_check[check].remedy}"


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def write_config(folder: Path, a: Provider, **fields: Any) -> Path:
    """Return a providers.yaml with one provider."""
    return process.write_config(folder, process.config([process.provider("a", a.base_url, **fields)]))


def checked(folder: Path, a: Provider, flaws: Answers | Script, **fields: Any) -> Found:
    """Return what is found of a provider with these fields, that answers like this."""
    a.plays(always=flaws)
    return Found(write_config(folder, a, **fields))
