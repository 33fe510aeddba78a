"""`coderouter run`: both programs with one command, and neither left running after it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals

import psutil
import pytest
import trustme

from coderouter_proxy.server.run_both import exporter_scheme
from support.events import read
from support.exporter.process import samples
from support.processes import SCRIPTS, Command, clean_environment, eventually, free_port, listens, running
from support.proxy import client
from support.proxy import openai_answers as says
from support.proxy.process import config, provider, write_config
from support.proxy.upstream import HANG, stream
from support.proxy.upstream import serving as upstream_serving

RUN = (SCRIPTS / "coderouter", "run")
JSON = {"Content-Type": "application/json"}
HELLO = b'{"messages": [{"role": "user", "content": "hello there"}]}'


def test_a_request_to_the_proxy_shows_in_the_metrics_at_once(tmp_path: Path) -> None:
    with _run(tmp_path) as (command, proxy_port, exporter_port):
        command.wait_for_output("exporter")
        answer = client.request(proxy_port, "POST", "/v1/chat/completions", HELLO, JSON)
        assert answer.json["choices"][0]["message"]["content"] == "hello there"
        shown = samples(client.request(exporter_port, "GET", "/metrics").body.decode())
        assert shown["coderouter_provider_attempts_total", ("echo",)] == 1


def test_the_proxy_redirects_to_the_exporter(tmp_path: Path) -> None:
    with _run(tmp_path) as (_, proxy_port, exporter_port):
        answer = client.request(proxy_port, "GET", "/metrics.json?hours=6")
        assert (answer.status, answer.headers["location"]) == (
            307,
            f"http://127.0.0.1:{exporter_port}/metrics.json?hours=6",
        )


@pytest.mark.parametrize("signum", [SIGINT, SIGTERM, SIGHUP, SIGKILL])
def test_nothing_is_left_running_after_it(tmp_path: Path, signum: Signals) -> None:
    with _run(tmp_path) as (command, _, _):
        process = psutil.Process(command.process.pid)
        eventually(lambda: len(process.children(recursive=True)) >= 2)
        children = process.children(recursive=True)
        code = command.stop(signum)
        eventually(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
        assert code == (-SIGKILL if signum == SIGKILL else 0)


def test_it_ends_with_the_code_of_a_program_that_ends_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("providers: []", encoding="utf-8")
    with running(*RUN, env=_environment(tmp_path), cwd=tmp_path) as command:
        assert command.wait() == 3
        assert "providers.yaml:1: profiles: is missing" in command.stderr


def test_options_are_passed_on_to_both(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    path = write_config(folder, config([{"name": "parrot", "kind": "echo"}]))
    events = folder / "events.jsonl"
    files = ("--config", path, "--events", events)
    addresses = ("--host", "127.0.0.2", "--port", "0", "--listen", "127.0.0.3:0")
    environment = clean_environment(HOME=str(tmp_path))
    with running(*RUN, *files, *addresses, env=environment, cwd=tmp_path) as command:
        command.wait_for_output(
            r"listens on http://127\.0\.0\.2:\d+, configured by \S+/elsewhere/providers.yaml"
        )
        command.wait_for_output(
            r"serving http://127\.0\.0\.3:\d+/metrics, state in \S+/elsewhere/exporter.db"
        )
        eventually(lambda: read(events, "coderouter-startup"))
        assert command.stop() == 0
    assert read(events)[-1]["msg"] == "coderouter-shutdown"


def test_it_prints_where_both_can_be_reached(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    printed = _printed(environment, tmp_path)
    assert f"proxy      http://127.0.0.1:{environment['CODEROUTER_PORT']}/v1 " in printed
    assert f"exporter   http://{environment['CR_EXPORTER_LISTEN']}/metrics " in printed
    assert f"dashboard  http://{environment['CR_EXPORTER_LISTEN']}/dashboard " in printed


def test_it_opens_the_dashboard_on_request(tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    environment = _environment(tmp_path) | {"BROWSER": f"{browser} %s"}
    with running(*RUN, "--open", env=environment, cwd=tmp_path):
        eventually(opened.exists)
    assert opened.read_text() == f"http://{environment['CR_EXPORTER_LISTEN']}/dashboard\n"


def test_without_a_browser_it_says_so_and_continues(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        environment.pop(name, None)
    with running(*RUN, "--open", env=environment, cwd=tmp_path) as command:
        command.wait_for_output("there is no browser here to open http://")
        assert command.stop() == 0


def test_it_prints_https_for_an_exporter_with_tls(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "server.key")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    web_config = tmp_path / "web.yml"
    web_config.write_text("tls_server_config: {cert_file: server.pem, key_file: server.key}")
    environment = _environment(tmp_path) | {"CR_EXPORTER_WEB_CONFIG_FILE": str(web_config)}
    printed = _printed(environment, tmp_path)
    assert f"proxy      http://127.0.0.1:{environment['CODEROUTER_PORT']}/v1 " in printed
    assert f"dashboard  https://{environment['CR_EXPORTER_LISTEN']}/dashboard " in printed


@pytest.mark.parametrize("text", ["basic_auth_users: {}", "[", "\xff", "tls_server_config: {}", ""])
def test_a_web_configuration_without_tls_means_http(text: str, tmp_path: Path) -> None:
    web_config = tmp_path / "web.yml"
    web_config.write_bytes(text.encode("latin-1"))
    assert exporter_scheme(str(web_config)) == "http"


def test_the_exporter_reports_a_web_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    environment = _environment(tmp_path) | {"CR_EXPORTER_WEB_CONFIG_FILE": str(tmp_path / "missing.yml")}
    with running(*RUN, env=environment, cwd=tmp_path) as command:
        assert command.wait() == 3
        assert "missing.yml" in command.stderr


@pytest.mark.parametrize("address", ["9847", "127.0.0.1:x", "127.0.0.1:65536"])
def test_what_is_not_an_address_is_refused(address: str, tmp_path: Path) -> None:
    with running(*RUN, "--listen", address, env=_environment(tmp_path), cwd=tmp_path) as command:
        assert command.wait() == 2
        assert f"'{address}' is not an address; write e.g. 127.0.0.1:9847" in command.stderr


def test_taken_ports_are_both_named_with_the_way_to_change_them(tmp_path: Path) -> None:
    with _run(tmp_path) as (first, proxy_port, exporter_port):
        environment = _environment(tmp_path, proxy_port, exporter_port)
        with running(*RUN, env=environment, cwd=tmp_path) as second:
            assert second.wait() == 3
            lines = second.stderr.splitlines()
        in_use = "coderouter: port {} on 127.0.0.1 is in use by {}; stop it, or choose another for {} with {}"
        listen = f"--listen 127.0.0.1:{exporter_port + 1} (CR_EXPORTER_LISTEN)"
        assert lines == [
            in_use.format(
                proxy_port, "a coderouter proxy", "the proxy", f"--port {proxy_port + 1} (CODEROUTER_PORT)"
            ),
            in_use.format(exporter_port, "a cr-exporter", "the exporter", listen),
        ]
        assert first.process.poll() is None


def test_one_port_for_both_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with running(*RUN, env=_environment(tmp_path, port, port), cwd=tmp_path) as command:
        assert command.wait() == 3
        assert (
            f"port {port} on 127.0.0.1 is in use by another program; stop it, or choose another"
            in command.stderr
        )


def test_an_exporter_that_is_not_installed_is_named(tmp_path: Path) -> None:
    python, coderouter = tmp_path / "bin" / "python", tmp_path / "bin" / "coderouter"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    coderouter.write_text(f"#!{python}\nfrom coderouter_proxy.cli import main; main()")
    coderouter.chmod(0o755)
    coderouter.with_name("cr-proxy").symlink_to(coderouter)
    environment = _environment(tmp_path) | {"PATH": "/usr/bin", "PYTHONPATH": os.pathsep.join(sys.path)}
    with running(coderouter, "run", env=environment, cwd=tmp_path) as command:
        assert command.wait() == 3
        assert command.stderr.startswith(f"coderouter: cannot find cr-exporter in {python.parent} or on PATH")


def test_a_second_ctrl_c_ends_running_requests_and_the_exporter_ends_last(tmp_path: Path) -> None:
    with upstream_serving() as upstream:
        hangs = upstream.provider("hangs")
        hangs.plays(stream(says.text("Hello"), HANG))
        write_config(tmp_path, config([provider("hangs", hangs.base_url)]))
        with _run(tmp_path) as (command, proxy_port, exporter_port):
            body = HELLO.replace(b"}]}", b'}], "stream": true}')
            exchange = client.Exchange(proxy_port, "POST", "/v1/chat/completions", body, JSON)
            exchange.read_until(says.text("Hello"))
            command.signal(SIGINT)
            eventually(lambda: not listens(proxy_port))
            assert listens(exporter_port)
            command.signal(SIGINT)
            assert command.wait() == 0
            exchange.disconnect()


def _printed(environment: dict[str, str], folder: Path) -> str:
    """Return what it prints once both can be reached, and stop it."""
    with subprocess.Popen(RUN, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = ""
        while "Ctrl-C stops both" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        process.terminate()
    assert process.returncode == 0
    return printed


def _environment(home: Path, proxy_port: int = 0, exporter_port: int = 0) -> dict[str, str]:
    return clean_environment(
        HOME=str(home),
        CODEROUTER_PORT=str(proxy_port or free_port()),
        CR_EXPORTER_LISTEN=f"127.0.0.1:{exporter_port or free_port()}",
    )


@contextmanager
def _run(home: Path) -> Iterator[tuple[Command, int, int]]:
    environment = _environment(home)
    proxy_port = int(environment["CODEROUTER_PORT"])
    exporter_port = int(environment["CR_EXPORTER_LISTEN"].rpartition(":")[2])
    with running(*RUN, env=environment, cwd=home) as command:
        eventually(lambda: listens(proxy_port) and listens(exporter_port))
        yield command, proxy_port, exporter_port
