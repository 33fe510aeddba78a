"""Event files as a busy proxy writes them."""

import random
import re
from dataclasses import replace
from pathlib import Path

from coderouter_events.events import ProviderFailed, ProviderOk, RequestFinished, Startup, TryProvider
from coderouter_proxy.eventlog.writer import EventLog

NAMES = ["ollama", "lmstudio", "openrouter-free", "anthropic"]
WRITER = re.compile(rb'"writer":"(\w+)"')
FINISHED = RequestFinished(
    request_id="",
    ingress="openai",
    profile="default",
    stream=True,
    outcome="ok",
    status=200,
    provider="ollama",
    model="qwen2.5-coder:14b",
    attempts=1,
    duration_s=1.25,
    ttft_s=0.25,
    overhead_s=0.0004,
    input_tokens=1200,
    output_tokens=200,
    cache_read_tokens=None,
    cache_creation_tokens=None,
    cost_usd=None,
    cache_savings_usd=None,
    stop_reason="stop",
    error_type=None,
    agent="claude-code",
    request_class="main",
    requested_model="claude-sonnet-5-5",
    tool_calls=1,
    had_tools=True,
    waited_s=0.0,
    key_index=0,
    traceparent=None,
    session="5f0c7d21a9be",
)


def write_traffic(path: Path, requests: int) -> None:
    """Write the three events of each request, which goes to one of four providers; an event has about 290 bytes."""
    log = EventLog(path, lambda _: None)
    log.write(_startup(NAMES))
    chance = random.Random(1)
    for number in range(requests):
        request_id = f"req_{number:024x}"
        name = chance.choice(NAMES)
        duration_s = chance.random()
        log.write(TryProvider(request_id=request_id, provider=name, stream=True))
        log.write(_ended(request_id, name, duration_s, failed=chance.random() < 0.1))
        log.write(replace(FINISHED, request_id=request_id, provider=name, duration_s=duration_s))
    log.close()


def write_startup(path: Path, providers: int) -> None:
    """Write the startup event of a proxy with so many providers."""
    log = EventLog(path)
    log.write(_startup([f"provider-{number:03}" for number in range(providers)]))
    log.close()


def append_copies(path: Path, text: bytes, copies: int) -> None:
    """Append the text this many times, each time as if another process had written it."""
    writer = WRITER.search(text)
    assert writer
    with path.open("ab") as file:
        for number in range(copies):
            file.write(text.replace(writer[1], b"%016x" % number))


def _startup(names: list[str]) -> Startup:
    return Startup(
        version="2.0.0",
        providers=names,
        profiles=["default"],
        default_profile="default",
        allow_paid=False,
        mode_source="config",
        display_timezone=None,
        catalog=[],
        chains={"default": names},
    )


def _ended(request_id: str, name: str, duration_s: float, *, failed: bool) -> ProviderOk | ProviderFailed:
    if not failed:
        return ProviderOk(request_id=request_id, provider=name, stream=True, duration_s=duration_s)
    return ProviderFailed(
        request_id=request_id,
        provider=name,
        status=503,
        retryable=True,
        error_type="overloaded",
        error="the model is loading, try again later",
        duration_s=duration_s,
    )
