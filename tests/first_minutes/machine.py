"""What the checks share: the source, the wheel, commands of a user, and a first answer."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from support.processes import Command, clean_environment, eventually, free_port, listens
from support.proxy import client
from support.scratch import REPOSITORY

HELLO = b'{"messages": [{"role": "user", "content": "hello there"}]}'
JSON = {"Content-Type": "application/json"}
WITHIN_S = 600
NETWORK = ("PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Variables by which package managers of this machine reach the index."""


@dataclass(frozen=True)
class User:
    """Someone with a home and nothing installed; the programs listen at ports that are free."""

    home: Path
    path: str
    more: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    exporter_port: int = field(default_factory=free_port)

    def environment(self) -> dict[str, str]:
        network = {name: value for name, value in clean_environment().items() if name.startswith(NETWORK)}
        own = {
            "HOME": str(self.home),
            "PATH": self.path,
            "CODEROUTER_PORT": str(self.port),
            "CR_EXPORTER_LISTEN": f"127.0.0.1:{self.exporter_port}",
        }
        return {**network, **own, **self.more}

    def run(self, *command: str | Path, cwd: Path | None = None, code: int = 0) -> str:
        """Return what the command prints; it has to end with the code."""
        done = subprocess.run(
            command,
            cwd=cwd or self.home,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def first_answer(self, both: Command, since: float) -> float:
        """Wait for both programs, send a request, see it counted, and return the seconds to the answer."""
        both.wait_for_port(self.port, WITHIN_S)
        answer = client.request(self.port, "POST", "/v1/chat/completions", HELLO, JSON)
        took_s = time.monotonic() - since
        assert answer.status == 200, answer.body
        assert json.loads(answer.body)["choices"][0]["message"]["content"]
        eventually(lambda: listens(self.exporter_port))
        metrics = client.request(self.exporter_port, "GET", "/metrics").body.decode()
        assert 'coderouter_client_requests_total{ingress="openai"' in metrics
        return took_s


def wheel(folder: Path) -> Path:
    """Build the wheel of the last commit."""
    source = checkout(folder / "source")
    out = folder / "wheels"
    subprocess.run([sys.executable, "-m", "venv", folder / "build"], check=True)
    build = (folder / "build/bin/pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", out, source)
    subprocess.run(build, check=True)
    [built] = out.glob("coderouter_exporter-*.whl")
    return built


def checkout(folder: Path) -> Path:
    """Write the last commit into the folder, as a release would contain it."""
    folder.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", REPOSITORY, "archive", "HEAD"], capture_output=True, check=True
    ).stdout
    subprocess.run(["tar", "--extract", "--directory", folder], input=archive, check=True)
    return folder


def report(what: str, took_s: float | None = None) -> None:
    print(f"{what}{'' if took_s is None else f': {took_s:.1f} s'}", flush=True)


def usual_path() -> str:
    return os.pathsep.join(["/usr/local/bin", "/usr/bin", "/bin"])
