"""Every command that a document shows is run here, or says why it cannot be: `<!-- not run here: REASON -->`."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from support import docs, events
from support.processes import SCRIPTS, clean_environment, eventually, free_port, running
from support.proxy import client, process
from support.proxy.model import Model
from support.proxy.upstream import serving as upstream_serving
from support.proxy.upstream import whole

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"(?:^<!-- not run here: (.*?) -->\n)?^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
AGENTS = ("claude", "codex", "opencode", "qwen", "pi", "copilot", "cline", "mini")
SERVERS = re.compile(r"(?:^| )(?:coderouter serve|coderouter run|cr-exporter)(?: -|$)")
A_REQUEST = "req_0123456789abcdef01234567"
HELLO = b'{"messages": [{"role": "user", "content": "hello there"}]}'
WITHIN_S = 60


@dataclass(frozen=True)
class Block:
    place: str
    text: str
    reason: str | None

    def commands(self) -> list[str]:
        """Return the commands, without comments; one may go over several lines."""
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if shlex.split(line, comments=True)]


def blocks() -> Iterator[Block]:
    for path in docs.DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            line = text[: found.start(2)].count("\n")
            yield Block(f"{path.relative_to(docs.ROOT)}:{line}", found[2], found[1])


@dataclass(frozen=True)
class User:
    """Someone with a configuration, a running proxy and exporter, and stand-ins for agents."""

    home: Path
    port: int
    exporter_port: int

    def environment(self, port: int) -> dict[str, str]:
        return clean_environment(
            HOME=str(self.home),
            PATH=f"{self.home}/bin:{SCRIPTS}:/usr/sbin:/usr/bin:/sbin:/bin",
            CODEROUTER_PORT=str(port),
            CR_EXPORTER_LISTEN=f"127.0.0.1:{self.exporter_port}",
            XDG_RUNTIME_DIR=str(self.home / "none"),
            DBUS_SESSION_BUS_ADDRESS="",
        )

    def here(self, command: str) -> str:
        """Return the command with the ports that are free here, and with a request that there was."""
        [finished, *_] = events.read(self.home / ".coderouter/events.jsonl", "request-finished")
        command = command.replace(A_REQUEST, finished["request_id"])
        return command.replace(":4000", f":{self.port}").replace(":9847", f":{self.exporter_port}")

    def run(self, commands: list[str]) -> None:
        """Run them in one shell; a server runs beside it until the end, at a port of its own."""
        with ExitStack() as servers:
            script = ["set -eu"]
            for command in map(self.here, commands):
                if SERVERS.search(command):
                    port = free_port()
                    environment = self.environment(port) | {"CR_EXPORTER_LISTEN": f"127.0.0.1:{free_port()}"}
                    moved = re.sub(r"CODEROUTER_PORT=\S+ ", "", command)
                    before = "\n".join([*script, f"exec {moved}"])
                    server = servers.enter_context(
                        running("sh", "-c", before, env=environment, cwd=self.home)
                    )
                    server.wait_for_port(port)
                else:
                    script.append(command)
            done = subprocess.run(
                ["bash", "-c", "\n".join(script)],
                env=self.environment(self.port),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=WITHIN_S,
                check=False,
            )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    for name in AGENTS:
        (home / "bin" / name).write_text("#!/bin/sh\n")
        (home / "bin" / name).chmod(0o755)
    (home / ".coderouter").mkdir(mode=0o700)
    made = User(home, free_port(), free_port())
    with upstream_serving() as upstream:
        ollama = upstream.provider("ollama")
        model, models = Model(), whole({"object": "list", "data": [{"id": "ollama-model"}]})
        ollama.plays(always=lambda request: models if request.path.endswith("/models") else model(request))
        echo: dict[str, object] = {"name": "echo", "kind": "echo"}
        config = process.config([process.provider("ollama", ollama.base_url), echo], {"default": ["echo"]})
        process.write_config(home / ".coderouter", config).chmod(0o600)
        command = (SCRIPTS / "coderouter", "run")
        with running(*command, env=made.environment(made.port), cwd=home) as both:
            both.wait_for_port(made.exporter_port)
            both.wait_for_port(made.port)
            client.request(
                made.port, "POST", "/v1/chat/completions", HELLO, {"Content-Type": "application/json"}
            )
            eventually(lambda: bool(events.read(home / ".coderouter/events.jsonl", "request-finished")))
            yield made


@pytest.mark.parametrize("block", [block for block in blocks() if not block.reason], ids=lambda b: b.place)
def test_it_runs(block: Block, user: User) -> None:
    user.run(block.commands())


def test_what_is_not_run_says_why() -> None:
    for block in blocks():
        assert block.reason is None or len(block.reason) > 10, block.place
    assert sum(block.reason is None for block in blocks()) >= 15
