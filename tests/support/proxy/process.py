"""Start the real proxy on a free port and talk to it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from support import events
from support.processes import SCRIPTS, Command, clean_environment, running
from support.proxy import client

CODEROUTER = SCRIPTS / "coderouter"
HELLO = [{"role": "user", "content": "Say hello."}]


@dataclass(frozen=True)
class Proxy:
    """A running `coderouter serve`."""

    port: int
    command: Command
    events_path: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def chat(self, headers: Mapping[str, str] | None = None, **body: object) -> client.Exchange:
        """Send a Chat Completions request with these fields."""
        raw = json.dumps({"model": "any", "messages": HELLO, **body}).encode()
        return self.post(raw, headers)

    def messages(self, headers: Mapping[str, str] | None = None, **body: object) -> client.Exchange:
        """Send a Messages request with these fields."""
        raw = json.dumps({"model": "any", "max_tokens": 100, "messages": HELLO, **body}).encode()
        return self.post(raw, {"anthropic-version": "2023-06-01", **(headers or {})}, "/v1/messages")

    def responses(self, headers: Mapping[str, str] | None = None, **body: object) -> client.Exchange:
        """Send a Responses request with these fields."""
        raw = json.dumps({"model": "any", "input": "Say hello.", **body}).encode()
        return self.post(raw, headers, "/v1/responses")

    def post(
        self,
        body: bytes | Iterator[bytes],
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/chat/completions",
    ) -> client.Exchange:
        # Each request is a conversation of its own, which stays with no provider.
        sent = {"Content-Type": "application/json", "X-Session-Id": uuid4().hex, **(headers or {})}
        return client.Exchange(self.port, "POST", path, body, sent)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> client.Response:
        return client.request(self.port, "GET", path, headers=headers)

    def story(self, request_id: str) -> list[events.Event]:
        return events.story(self.events_path, request_id)

    def finished(self, request_id: str) -> events.Event:
        [event] = [event for event in self.story(request_id) if event["msg"] == "request-finished"]
        return event


@contextmanager
def serving(
    folder: Path,
    config: Mapping[str, Any] | str | None,
    *options: str,
    events_path: Path | None = None,
    env: Mapping[str, str] | None = None,
    program: Sequence[str | Path] = (CODEROUTER, "serve"),
) -> Iterator[Proxy]:
    """Run the program in the folder with this providers.yaml, or without one, and an event file beside it."""
    if config is not None:
        write_config(folder, config)
    path = events_path or folder / "events.jsonl"
    arguments = ("--port", "0", "--events", str(path), *options)
    environment = clean_environment(HOME=str(folder)) | dict(env or {})
    with running(*program, *arguments, env=environment, cwd=folder) as command:
        port = int(command.wait_for_output(r"listens on http://\S+:(\d+)")[1])
        yield Proxy(port, command, path)


def workers_of(served: Proxy) -> list[int]:
    """Return the process ids of the workers, which multiprocessing has started."""
    parent = served.command.process.pid
    children = [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]


def failed_start(folder: Path, *options: str, **env: str) -> str:
    """Run a `coderouter serve` that has to fail at startup, and return what it writes to stderr."""
    environment = clean_environment(HOME=str(folder)) | env
    arguments = ("serve", "--events", "off", "--port", "0", *options)
    with running(CODEROUTER, *arguments, env=environment, cwd=folder) as started:
        assert started.wait() == 3, started.stderr
        return started.stderr


def write_config(folder: Path, config: Mapping[str, Any] | str) -> Path:
    path = folder / "providers.yaml"
    text = config if isinstance(config, str) else yaml.safe_dump(dict(config), sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


def provider(name: str, base_url: str, **more: object) -> dict[str, object]:
    return {"name": name, "base_url": base_url, "model": f"{name}-model", **more}


def config(
    providers: list[dict[str, object]], profiles: Mapping[str, list[str]] | None = None, **more: object
) -> dict[str, object]:
    """Return a providers.yaml; without `profiles`, a default profile has all providers in order."""
    chains = profiles or {"default": [str(entry["name"]) for entry in providers]}
    listed = [{"name": name, "providers": chain} for name, chain in chains.items()]
    return {**more, "providers": providers, "profiles": listed}
