"""The scan of local addresses finds model servers, and reports what is there instead of one."""

from pathlib import Path

import pytest

from coderouter_proxy.init import local_servers
from coderouter_proxy.init.models import Model
from support.processes import free_port
from support.proxy.local_servers import environment, model_list, written_config
from support.proxy.upstream import CUT, HANG, Provider, Script, stream, whole
from support.run_command import coderouter


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (whole(b"<html>It works!</html>"), "something else responds there"),
        (whole({"detail": "no"}, status=404), "something else responds there"),
        (whole({}), "something else responds there"),
        (whole(b"", status=302, headers={"Location": "/login"}), "something else responds there"),
        ((b"SSH-2.0-OpenSSH_9.2\r\n",), "something else responds there"),
        ((CUT,), "something else responds there"),
        (whole({"error": "no"}, status=401), "requires a key; add it by hand, with api_key_env"),
        (model_list("text-embedding-3"), "responds, but has no chat model"),
        (model_list(), "responds, but has no chat model"),
        (whole({"data": [{"id": "default", "owned_by": "coderouter"}]}), "this is CodeRouter itself"),
        (stream(HANG), "no response in time"),
    ],
)
def test_an_address_without_a_usable_model_server_is_reported(
    script: Script, problem: str, servers: dict[str, Provider]
) -> None:
    servers["vllm"].plays(always=script)
    servers["llamacpp"].plays(always=model_list("loaded.gguf"))
    places = [(name, server.base_url) for name, server in servers.items()]
    scans = {scan.server.name: scan for scan in local_servers.scan(local_servers.servers_to_scan(places))}
    assert (scans["vllm"].problem, scans["vllm"].models) == (problem, ())
    assert scans["llamacpp"].models == [Model("loaded.gguf")]


def test_a_closed_port_is_reported(tmp_path: Path, servers: dict[str, Provider]) -> None:
    probe = f"--probe=vllm=http://127.0.0.1:{free_port()}"
    ended = coderouter(tmp_path, "init", probe, env=environment({**servers, "vllm": servers["ollama"]}))
    assert "not running" in ended.stdout


def test_a_server_at_another_address_can_be_named(
    tmp_path: Path, servers: dict[str, Provider], a: Provider
) -> None:
    a.plays(model_list("big-model"))
    arguments = [f"--probe={name}={server.base_url}" for name, server in servers.items()]
    ended = coderouter(tmp_path, "init", *arguments, "--probe", f"gpu-box={a.base_url}")
    assert ended.code == 0
    [provider] = written_config(tmp_path).providers
    assert (provider.name, provider.base_url, provider.model) == ("gpu-box", a.base_url, "big-model")
