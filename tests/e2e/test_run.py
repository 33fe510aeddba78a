"""`make run`: one command starts both programs, and none is left running after it."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGKILL, Signals

import psutil
import pytest

from support.exporter.process import samples
from support.processes import Command, clean_environment, eventually, free_port, listens, running
from support.proxy import client

RUN = Path(__file__).parents[2] / "deploy" / "run.py"
HELLO = b'{"messages": [{"role": "user", "content": "hello there"}]}'


def test_a_request_to_the_proxy_shows_in_the_metrics_at_once(tmp_path: Path) -> None:
    with _run(tmp_path) as (command, proxy_port, exporter_port):
        command.wait_for_output("exporter")
        answer = client.request(
            proxy_port, "POST", "/v1/chat/completions", HELLO, {"Content-Type": "application/json"}
        )
        assert answer.json["choices"][0]["message"]["content"] == "hello there"
        shown = samples(client.request(exporter_port, "GET", "/metrics").body.decode())
        assert shown["coderouter_provider_attempts_total", ("echo",)] == 1


@pytest.mark.parametrize("signum", [SIGINT, SIGKILL])
def test_no_program_is_left_running_after_it(tmp_path: Path, signum: Signals) -> None:
    with _run(tmp_path) as (command, _, _):
        children = psutil.Process(command.process.pid).children(recursive=True)
        assert len(children) >= 2
        code = command.stop(signum)
        eventually(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
        assert code == (0 if signum == SIGINT else -SIGKILL)


def test_it_exits_with_the_code_of_a_program_that_exits(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("providers: []", encoding="utf-8")
    with running(sys.executable, RUN, env=_environment(tmp_path), cwd=tmp_path) as command:
        assert command.wait() == 3
        assert "providers.yaml:1: profiles: is missing" in command.stderr


def test_a_port_in_use_is_reported_with_the_way_to_change_it(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    with _run(tmp_path, environment), running(sys.executable, RUN, env=environment, cwd=tmp_path) as second:
        assert second.wait() == 3
        proxy_port = int(environment["CODEROUTER_PORT"])
        assert re.search(rf":{proxy_port}, .*CODEROUTER_PORT={proxy_port + 1} make run", second.stderr)
        assert re.search(r"CR_EXPORTER_LISTEN=127\.0\.0\.1:\d+ make run", second.stderr)


def _environment(home: Path) -> dict[str, str]:
    return clean_environment(
        HOME=str(home),
        CODEROUTER_PORT=str(free_port()),
        CR_EXPORTER_LISTEN=f"127.0.0.1:{free_port()}",
        PATH=os.environ["PATH"],
    )


@contextmanager
def _run(home: Path, environment: dict[str, str] | None = None) -> Iterator[tuple[Command, int, int]]:
    environment = environment or _environment(home)
    proxy_port = int(environment["CODEROUTER_PORT"])
    exporter_port = int(environment["CR_EXPORTER_LISTEN"].rpartition(":")[2])
    with running(sys.executable, RUN, env=environment, cwd=home) as command:
        eventually(lambda: listens(proxy_port) and listens(exporter_port))
        yield command, proxy_port, exporter_port
