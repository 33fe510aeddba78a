"""Event lines of requests with several tries, for what is shown of them."""

from collections.abc import Iterator
from typing import Any

from support.exporter.process import line
from support.exporter.sample_events import utc

SEQS = 10
"""Numbers of lines that a request takes up."""


def request_id(number: int) -> str:
    """Return an id as the proxy makes them, whose first letters are unique."""
    return f"req_{number:08x}{number:016x}"


def story(number: int, ended: float, **more: Any) -> Iterator[bytes]:
    """Yield the lines of a request of provider `openrouter-free`, after `ollama` failed with an odd message."""
    named: dict[str, object] = {"writer": "w", "request_id": request_id(number)}
    error = f"HTTP 500: Straße {number} \x1b[31mBROKEN"
    steps: list[tuple[str, float, dict[str, object]]] = [
        ("skip-budget-exceeded", 2.0, {"provider": "claude", "spent_usd": 5.25, "budget_usd": 5.0}),
        ("try-provider", 2.0, {"provider": "ollama", "stream": True}),
        ("provider-failed", 1.5, {"provider": "ollama", "status": 500, "retryable": True, "error_type": "upstream_5xx",
                                  "error": error, "duration_s": 0.5}),
        ("try-provider", 1.5, {"provider": "openrouter-free", "stream": True}),
        ("provider-ok", 1.0, {"provider": "openrouter-free", "stream": True, "duration_s": 0.5}),
        ("tool-call-repaired", 0.1, {"provider": "openrouter-free", "count": 2}),
        ("request-finished", 0.0, {
            "ingress": "openai", "profile": "coding", "stream": True, "outcome": "ok", "status": 200,
            "provider": "openrouter-free", "model": "m", "attempts": 2, "duration_s": 2.0, "ttft_s": 1.0,
            "overhead_s": 0.001, "input_tokens": 1000, "output_tokens": 11, "cache_read_tokens": 90,
            "cache_creation_tokens": None, "cost_usd": None, "stop_reason": "stop", "agent": "codex",
            "request_class": "main", "requested_model": "gpt-5", "tool_calls": 2, "had_tools": True,
            "session": f"{number % 2:012x}", "waited_s": 0.25, "key_index": 1, **more}),
    ]  # fmt: skip
    for at, (msg, before_s, fields) in enumerate(steps, 1):
        yield line(msg, ts=utc(ended - before_s), seq=number * SEQS + at, **named, **fields)


def failed(number: int, ended: float, **more: Any) -> Iterator[bytes]:
    """Yield the lines of a request that no provider answered."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("provider", "model", "ttft_s", "output_tokens", "input_tokens", "stop_reason")
    )
    yield from story(number, ended, outcome="exhausted", status=502, **nothing, **more)
