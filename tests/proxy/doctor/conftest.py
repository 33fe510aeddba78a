"""Ask the probes about one provider of the tests, without a process for each question."""

from pathlib import Path
from typing import Any

import pytest

from coderouter_proxy import capabilities, configfile
from coderouter_proxy.doctor import checking
from support import proxy
from support.upstream import Answers, Provider, Script


class Found:
    """What the probes say of the provider of a providers.yaml."""

    def __init__(self, path: Path, timeout_s: float | None = None) -> None:
        config = configfile.load(path).config
        chosen = checking.chosen(config, ["a"], all_providers=False)
        self.results = checking.check_models(chosen, capabilities.load(), timeout_s, lambda _: None)
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
    return proxy.write_config(folder, proxy.config([proxy.provider("a", a.base_url, **fields)]))


def checked(folder: Path, a: Provider, flaws: Answers | Script, **fields: Any) -> Found:
    """Return what is found of a provider with these fields, that answers like this."""
    a.plays(always=flaws)
    return Found(write_config(folder, a, **fields))
