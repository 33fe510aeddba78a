"""One proxy in front of one upstream, shared by all tests that only send requests."""

import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from support import events
from support.processes import free_port
from support.proxy import process, upstream
from support.proxy.process import Proxy
from support.proxy.upstream import Provider, Upstream

A_KEY = "a plain secret of no known shape"
B_KEY = "sk-test-abcdefghijklmnopqrstuvwx"

CONFIG = """\
default_profile: default
mode_aliases: {{fast: one, heavy: both}}
server: {{body_mib_max: 1}}
providers:
  - {{name: a, base_url: {a}, model: a-model, api_key_env: A_KEY}}
  - {{name: b, base_url: {b}, model: b-model, api_key_env: B_KEY}}
  - {{name: c, base_url: {c}, model: c-model}}
  - {{name: lonely, base_url: {lonely}, model: m, retries: 0, capabilities: {{max_context_tokens: 100000}}}}
  - {{name: paid, base_url: {c}, model: paid-model, paid: true}}
  - {{name: dead, base_url: "http://127.0.0.1:{closed_port}/v1", model: m}}
  - {{name: full, base_url: "http://127.0.0.1:{full_port}/v1", model: m, connect_timeout_s: 0.3}}
  - {{name: hasty, base_url: {a}, model: m, timeout_s: 0.3}}
  - {{name: quiet, base_url: {a}, model: m, idle_timeout_s: 0.3}}
  - {{name: brief, base_url: {a}, model: m, total_timeout_s: 0.3}}
  - name: styled
    base_url: {a}
    model: styled-model
    extra_body: {{temperature: 0.1, top_k: 7, options: {{num_ctx: 8192}}}}
    append_system_prompt: Answer in French.
  - name: custom
    base_url: {a}
    model: custom-model
    headers: {{X-Tenant: "team-${{B_KEY}}", user-agent: router}}
    set_params: {{temperature: 0, seed: 3}}
    drop_params: [top_p]
    max_output_tokens: 50
  - {{name: echo, kind: echo}}
profiles:
  - {{name: default, providers: [a, b]}}
  - {{name: one, providers: [a]}}
  - {{name: both, providers: [a, b]}}
  - {{name: three, providers: [a, b, c]}}
  - {{name: paid-only, providers: [paid]}}
  - {{name: paid-last, providers: [a, paid]}}
  - {{name: ghost-first, providers: [ghost, b]}}
  - {{name: ghosts, providers: [ghost]}}
  - {{name: lonely, providers: [lonely, b]}}
  - {{name: dead, providers: [dead, b]}}
  - {{name: full, providers: [full, b]}}
  - {{name: hasty, providers: [hasty, b]}}
  - {{name: hasty-profile, providers: [a, b], timeout_s: 0.3}}
  - {{name: quiet, providers: [quiet, b]}}
  - {{name: brief, providers: [brief, b]}}
  - {{name: styled, providers: [styled]}}
  - {{name: restyled, providers: [styled], append_system_prompt: Answer in verse.}}
  - {{name: unstyled, providers: [styled], append_system_prompt: ""}}
  - {{name: custom, providers: [custom]}}
  - {{name: echo, providers: [echo]}}
"""


@pytest.fixture(scope="session")
def upstream_server() -> Iterator[Upstream]:
    with upstream.serving() as server:
        yield server


@pytest.fixture(scope="session")
def lonely() -> Iterator[Provider]:
    """A provider on its own server, to which the proxy has no pooled connection."""
    with upstream.serving() as server:
        yield server.provider("lonely")


@pytest.fixture(scope="session")
def running_proxy(
    upstream_server: Upstream, lonely: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    urls = {name: upstream_server.provider(name).base_url for name in "abc"} | {"lonely": lonely.base_url}
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        full_port = full.getsockname()[1]
        for _ in range(
            2
        ):  # they fill the backlog of a listener that never accepts; the next connection waits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", full_port))
        text = CONFIG.format(**urls, closed_port=free_port(), full_port=full_port)
        started = stack.enter_context(process.serving(folder, text, env={"A_KEY": A_KEY, "B_KEY": B_KEY}))
        yield started
        exit_code = started.command.stop()
    assert exit_code == 0, started.command.stderr
    assert_sound(started.events_path)


@contextmanager
def serving_soundly(
    folder: Path, config: Mapping[str, Any] | str, *, env: Mapping[str, str] | None = None
) -> Iterator[Proxy]:
    """Run a proxy with this configuration; it has to stop cleanly, without a traceback, and with sound events."""
    with process.serving(folder, config, env=env) as started:
        yield started
        assert started.command.stop() == 0
        assert "Traceback" not in started.command.stderr
    assert_sound(started.events_path)


def assert_sound(path: Path) -> None:
    """Assert what holds for every event file."""
    raw = path.read_text(encoding="utf-8")
    assert A_KEY not in raw
    assert B_KEY not in raw
    written = events.read(path)
    tries = Counter((e["request_id"], e["provider"]) for e in written if e["msg"] == "try-provider")
    ends = Counter(
        (e["request_id"], e["provider"]) for e in written if e["msg"] in ("provider-ok", "provider-failed")
    )
    assert tries == ends
    finished = Counter(e["request_id"] for e in written if e["msg"] == "request-finished")
    assert set(finished.values()) <= {1}
    assert {request_id for request_id, _ in tries} <= set(finished)
    assert [e["seq"] for e in written] == list(range(1, len(written) + 1))
    assert all(len(line.encode()) <= 64 * 1024 for line in raw.splitlines(keepends=True))
    assert written[-1]["msg"] == "coderouter-shutdown"


@pytest.fixture
def served(running_proxy: Proxy, upstream_server: Upstream) -> Proxy:
    """The proxy; its upstream has no scripts or requests of earlier tests."""
    upstream_server.forget()
    return running_proxy


@pytest.fixture
def a(upstream_server: Upstream) -> Provider:
    return upstream_server.provider("a")


@pytest.fixture
def b(upstream_server: Upstream) -> Provider:
    return upstream_server.provider("b")


@pytest.fixture
def c(upstream_server: Upstream) -> Provider:
    return upstream_server.provider("c")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
