"""`coderouter prometheus-config` prints what Prometheus scrapes: the exporter and the servers that have metrics."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from yarl import URL

from coderouter_proxy.config.addresses import is_local_host
from support.processes import eventually
from support.programs import program
from support.prometheus.server import running_prometheus
from support.proxy import upstream
from support.proxy.process import config, provider, write_config
from support.proxy.upstream import Received, Script, Upstream, whole
from support.run_command import coderouter

TEXT = {"Content-Type": "text/plain; version=0.0.4"}
VLLM = whole(
    b"# TYPE vllm:num_requests_waiting gauge\n"
    b'vllm:num_requests_waiting{engine="0",model_name="qwen"} 3.0\n'
    b"# TYPE vllm:kv_cache_usage_perc gauge\n"
    b'vllm:kv_cache_usage_perc{engine="0",model_name="qwen"} 0.25\n',
    headers=TEXT,
)
LLAMACPP = whole(b"# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_deferred 2\n", headers=TEXT)
NAMELESS = whole({"error": {"message": "model name is missing from the request"}}, status=400)


@pytest.fixture
def servers() -> Iterator[Upstream]:
    with upstream.serving() as served:
        yield served


def printed(folder: Path, *providers: dict[str, object], env: dict[str, str] | None = None) -> str:
    write_config(folder, config(list(providers)))
    ended = coderouter(folder, "prometheus-config", env=env)
    assert (ended.code, ended.stderr) == (0, "")
    return ended.stdout


def jobs(text: str) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}


def at(servers: Upstream, name: str, answer: Script, **more: object) -> dict[str, object]:
    server = servers.provider(name)
    server.plays(always=answer)
    return provider(name, server.base_url, **more)


def test_each_server_with_metrics_is_a_job_with_the_name_of_its_provider(
    servers: Upstream, tmp_path: Path
) -> None:
    found = jobs(printed(tmp_path, at(servers, "big", VLLM), at(servers, "small", LLAMACPP)))
    target = f"127.0.0.1:{servers.port}"
    assert [*found] == ["coderouter", "provider-big", "provider-small"]
    assert found["coderouter"]["static_configs"] == [{"targets": ["127.0.0.1:9847"]}]
    assert found["provider-big"]["static_configs"] == [
        {"targets": [target], "labels": {"provider": "big", "server": "vllm"}}
    ]
    assert found["provider-small"]["static_configs"] == [
        {"targets": [target], "labels": {"provider": "small", "server": "llamacpp"}}
    ]
    assert found["provider-big"]["metrics_path"] == "/big/metrics"


def test_a_server_without_metrics_is_named_with_the_reason(servers: Upstream, tmp_path: Path) -> None:
    text = printed(
        tmp_path,
        at(servers, "ollama", whole(b"404 page not found", status=404)),
        at(servers, "quiet", whole({"error": {}}, status=501)),
        at(servers, "locked", whole(b"", status=401)),
        at(servers, "other", whole(b"go_goroutines 7\n", headers=TEXT)),
        provider("stopped", "http://127.0.0.1:9/v1"),
    )
    assert [*jobs(text)] == ["coderouter"]
    reasons = {
        "ollama": "has no metrics, like Ollama and LM Studio.",
        "quiet": "llama.cpp serves metrics only with --metrics.",
        "locked": "requires a key; set the variable that api_key_env names.",
        "other": "serves no metrics of vLLM or llama.cpp.",
        "stopped": "not running; start it and run this again.",
    }
    for name, reason in reasons.items():
        [line] = [line for line in text.splitlines() if line.startswith(f"# Not scraped: {name} at ")]
        assert line.endswith(reason)


def test_a_router_of_models_is_told_the_model(servers: Upstream, tmp_path: Path) -> None:
    def answer(request: Received) -> Script:
        return LLAMACPP if unquote(request.path).endswith("?model=qwen/3") else NAMELESS

    server = servers.provider("router")
    server.plays(always=answer)
    found = jobs(printed(tmp_path, provider("router", server.base_url) | {"model": "qwen/3"}))
    assert found["provider-router"]["params"] == {"model": ["qwen/3"]}


def test_a_key_is_sent_to_its_own_server_and_never_printed(servers: Upstream, tmp_path: Path) -> None:
    key = {"LOCAL_KEY": "top-secret-value"}
    entry = at(servers, "vllm", VLLM, api_key_env="LOCAL_KEY")
    text = printed(tmp_path, entry, env=key)
    assert servers.provider("vllm").request.headers["authorization"] == "Bearer top-secret-value"
    assert "top-secret-value" not in text
    assert jobs(text)["provider-vllm"]["authorization"] == {"credentials_file": "/etc/prometheus/vllm.key"}


@pytest.mark.parametrize(
    ("base_url", "local"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.1.9/v1", True),
        ("http://gpu-box:8080/v1", True),
        ("http://gpu.lan/v1", True),
        ("https://api.openai.com/v1", False),
        ("https://8.8.8.8/v1", False),
        ("", False),
    ],
)
def test_only_servers_on_this_machine_or_network_are_contacted(base_url: str, local: bool) -> None:
    assert is_local_host(URL(base_url).host or "") is local


@pytest.mark.slow
def test_prometheus_accepts_it_and_scrapes_the_servers(servers: Upstream, tmp_path: Path) -> None:
    text = printed(tmp_path, at(servers, "big", VLLM), at(servers, "small", LLAMACPP))
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    subprocess.run([program("promtool"), "check", "config", path], check=True, capture_output=True)
    with running_prometheus(tmp_path / "tsdb", yaml.safe_load(text)["scrape_configs"]) as prometheus:
        waiting = "sum by (provider) ({__name__=~'vllm:num_requests_waiting|llamacpp:requests_deferred'})"
        eventually(lambda: prometheus.query(waiting) == {("big",): 3.0, ("small",): 2.0})
