"""`coderouter compare` and `coderouter suggest`, by what a real exporter keeps."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from coderouter_exporter.terminal import client
from coderouter_exporter.terminal.analysis.observed import observe
from support.exporter.process import Exporter, append, line, running_exporter
from support.exporter.request_lines import SEQS, request_id
from support.exporter.sample_events import startup, utc
from support.proxy.process import CODEROUTER
from support.run_command import coderouter
from support.terminal.tmux import terminal

pytestmark = pytest.mark.slow

NOW = time.time()
REQUESTS = 200
LONG = 40_000
CANCELLED = 3
"""The client left: not the provider's failure."""


def traffic() -> Iterator[bytes]:
    """Yield requests of which each other one is long; `ollama` fails on half of those, then `free` answers."""
    for number in range(1, REQUESTS + 1):
        at = NOW - 5000 + number
        seq = number * SEQS
        named: dict[str, object] = {"writer": "w", "request_id": request_id(number)}
        long = number % 2 == 0
        fails, leaves = long and number % 4 == 0, number <= CANCELLED
        own = {"provider": "ollama", "stream": True}
        yield line("try-provider", ts=utc(at), seq=seq, **named, **own)
        if fails or leaves:
            kind, error = ("cancelled", "the client left") if leaves else ("upstream_4xx", "too \x1b[2Jlong")
            yield line("provider-failed", ts=utc(at + 1), seq=seq + 1, **named, provider="ollama", status=400,
                       retryable=True, error_type=kind, error=error, duration_s=1.0)  # fmt: skip
        answered = None if leaves else "free" if fails else "ollama"
        begun = at + fails
        if fails:
            yield line("try-provider", ts=utc(begun), seq=seq + 2, **named, provider="free", stream=True)
        if answered:
            yield line("provider-ok", ts=utc(begun + 0.5), seq=seq + 3, **named, provider=answered, stream=True,
                       duration_s=0.5)  # fmt: skip
        yield line(
            "request-finished", ts=utc(begun + 2.5), seq=seq + 4, **named, ingress="openai", profile="coding",
            stream=True, outcome="ok" if answered else "client_gone", status=200, provider=answered, model="m",
            attempts=1 + fails, duration_s=2.5 + fails, ttft_s=0.5 + fails if answered else None, overhead_s=0.0,
            input_tokens=LONG if long else 100, output_tokens=101, cache_read_tokens=None, cache_creation_tokens=None,
            cost_usd=0.25 if answered == "ollama" else None, stop_reason="stop",
        )  # fmt: skip


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    folder = tmp_path_factory.mktemp("advice")
    catalog = [
        {"name": name, "kind": "openai_compat", "model": "m", "paid": False, "base_url": "http://h/v1"}
        for name in ("ollama", "free", "spare")
    ]
    names = ["ollama", "free", "spare"]
    begin = startup(NOW - 6000, "w", providers=names, catalog=catalog, chains={"coding": names})
    append(folder / "events.jsonl", begin, *traffic())
    with running_exporter(folder / "events.jsonl", state=folder / "exporter.db") as exporter:
        yield exporter


def url(exporter: Exporter) -> str:
    return f"http://127.0.0.1:{exporter.port}"


def run(folder: Path, exporter: Exporter, *arguments: str, code: int = 0) -> str:
    ended = coderouter(folder, *arguments, "--url", url(exporter))
    assert ended.code == code, ended.stderr
    return ended.stdout if code == 0 else ended.stderr


def test_what_is_observed_equals_what_was_written(exporter: Exporter) -> None:
    found = observe(client.rows(url(exporter)))
    ollama, free = found["ollama"], found["free"]
    assert (len(ollama.tries), ollama.ok, ollama.answers) == (197, 147, 147)
    assert (len(free.tries), free.ok, free.answers, free.unknown_cost) == (50, 50, 50, 50)
    assert {round(each, 3) for each in free.first_token_s} == {0.5}
    assert {round(each, 3) for each in ollama.tokens_per_s} == {50.0}
    assert set(ollama.cost_usd) == {0.25}
    assert free.stop_reasons == {"stop": 50}


def test_providers_are_compared_with_ranges(exporter: Exporter, tmp_path: Path) -> None:
    found = json.loads(run(tmp_path, exporter, "compare", "ollama", "free", "--json"))
    measures = {each["measure"]: each for each in found["measures"]}
    success = measures["success of tries"]
    assert success["better"] == "free"
    assert success["providers"]["ollama"]["low"] < 147 / 197 < success["providers"]["ollama"]["high"]
    assert measures["first token"]["verdict"] == "unclear"
    assert measures["cost per answer"]["verdict"] == "too few"
    assert measures["cost per 1,000 out"]["providers"]["ollama"]["value"] == pytest.approx(0.25 / 101 * 1000)
    shown = run(tmp_path, exporter, "compare", "ollama", "free")
    assert "▲ Cost unknown for 50 answers: no price for free; to add it: coderouter prices" in shown
    assert "By 200 requests." in shown


@pytest.mark.parametrize("columns", [80, 200])
def test_a_comparison_fits_the_terminal(exporter: Exporter, columns: int) -> None:
    with terminal(
        columns, 40, CODEROUTER, "compare", "ollama", "free", "--url", url(exporter), env={}
    ) as screen:
        shown = screen.wait_for("their prompts too")
    assert all(len(line) <= columns for line in shown)
    assert any(line.startswith("success of tries") and line.endswith("free") for line in shown)


def test_a_provider_without_data_is_compared_and_an_unknown_one_is_not(
    exporter: Exporter, tmp_path: Path
) -> None:
    assert "too few" in run(tmp_path, exporter, "compare", "ollama", "spare")
    error = run(tmp_path, exporter, "compare", "ollama", "olama", code=1)
    assert "there is no provider 'olama'; known are: ollama, free, spare" in error
    assert "name two different providers" in run(tmp_path, exporter, "compare", "free", "free", code=2)


def test_suggestions_have_evidence_and_yaml(exporter: Exporter, tmp_path: Path) -> None:
    shown = run(tmp_path, exporter, "suggest")
    assert "▲ ollama fails on long requests: let those over " in shown
    assert "upstream_4xx: too  [2Jlong" in shown
    assert "\x1b" not in shown
    [suggestion] = json.loads(run(tmp_path, exporter, "suggest", "--json"))["suggestions"]
    [provider] = yaml.safe_load(suggestion["change"])["providers"]
    assert 100 <= provider["capabilities"]["max_context_tokens"] < LONG


def test_without_requests_there_is_nothing_to_suggest(exporter: Exporter, tmp_path: Path) -> None:
    assert "No request is kept of this time" in run(tmp_path, exporter, "suggest", "--since", "1m")
