"""Run the doctor: the real command, or its probes without a process for each of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coderouter_proxy.config import load
from coderouter_proxy.doctor.probes import run as probes
from coderouter_proxy.routing import capabilities
from support.proxy import process
from support.proxy.upstream import Answers, Provider, Script
from support.run_command import coderouter

HEALTHY = {
    "chat": "OK",
    "context": "OK",
    "streaming": "OK",
    "tools": "OK",
    "thinking": "SKIP",
    "leaks": "OK",
}
"""The verdicts for a model without flaws behind a provider of kind openai_compat."""


@dataclass(frozen=True)
class Run:
    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def run(folder: Path, *options: str, env: Mapping[str, str] | None = None) -> Run:
    """Run `coderouter doctor` in the folder, which may contain a providers.yaml."""
    ended = coderouter(folder, "doctor", *options, env=env)
    return Run(ended.code, ended.stdout, ended.stderr)


class ProbeResults:
    """The results of all probes for provider `a` of a providers.yaml."""

    def __init__(self, path: Path, timeout_s: float | None = None) -> None:
        config = load.load(path).config
        selection = probes.select_providers(config, ["a"], all_providers=False)
        self.results = probes.check_models(selection, capabilities.load(), timeout_s, lambda _: None)
        self.by_check = {result.check: result for result in self.results}
        self.verdicts = {result.check: result.verdict.value for result in self.results}

    def patch(self, check: str) -> Any:
        return self.by_check[check].patch

    def text(self, check: str) -> str:
        return f"{self.by_check[check].message} → {self.by_check[check].remedy}"


def write_config(folder: Path, a: Provider, **fields: Any) -> Path:
    """Return a providers.yaml with one provider."""
    return process.write_config(folder, process.config([process.provider("a", a.base_url, **fields)]))


def run_probes(folder: Path, a: Provider, answers: Answers | Script, **fields: Any) -> ProbeResults:
    """Return the results for a provider with these fields that answers like this."""
    a.plays(always=answers)
    return ProbeResults(write_config(folder, a, **fields))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
