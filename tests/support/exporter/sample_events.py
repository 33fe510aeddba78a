"""Sample event lines as a proxy would have written them: an hour of traffic with an incident."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from support.exporter.process import line

PROVIDERS = ("ollama", "openrouter-free", "claude")
MINUTES = 60
INCIDENT = range(38, 52)
"""Minutes in which ollama was down."""

OLLAMA: dict[str, object] = {
    "name": "ollama",
    "kind": "openai_compat",
    "model": "m",
    "paid": False,
    "base_url": "http://127.0.0.1:1/v1",
}
OPENROUTER = {**OLLAMA, "name": "openrouter-free", "base_url": "http://o/v1"}
CLAUDE: dict[str, object] = {
    "name": "claude",
    "kind": "anthropic",
    "model": "m",
    "paid": True,
    "base_url": "http://a",
}


def startup(ts: float, writer: str, **more: object) -> bytes:
    fields: dict[str, object] = {
        "version": "2.0.0",
        "providers": list(PROVIDERS),
        "profiles": ["coding"],
        "default_profile": "coding",
        "allow_paid": False,
        "mode_source": "config",
        "display_timezone": "Europe/Berlin",
        "catalog": [OLLAMA, OPENROUTER, CLAUDE],
        "chains": {"coding": list(PROVIDERS)},
    }
    return _line("coderouter-startup", ts, writer, 1, **(fields | more))


def an_hour(now_ts: float, writer: str = "past", *, incident: bool = True) -> Iterator[bytes]:
    """Yield the lines of the hour before `now_ts`, at whose end the proxy is still running."""
    chance = random.Random(7)
    begin = now_ts - MINUTES * 60
    seq = 1
    yield startup(begin, writer)
    for minute in range(MINUTES):
        for _ in range(chance.randrange(2, 14)):
            ts = min(begin + minute * 60 + chance.random() * 60, now_ts - 1)
            for msg, fields in _request(chance, down=incident and minute in INCIDENT):
                seq += 1
                yield _line(msg, ts, writer, seq, **fields)
    yield _line("proxy-heartbeat", now_ts - 1, writer, seq + 1, in_flight=2, rss_bytes=1, events_dropped=0)


def _request(chance: random.Random, *, down: bool) -> Iterator[tuple[str, dict[str, object]]]:
    named = {"request_id": f"req_{chance.randrange(1 << 96):024x}"}
    stream = chance.random() < 0.8
    ttft_s = chance.lognormvariate(-0.6, 0.5) * (2.5 if down else 1)
    fails = down or chance.random() < 0.01
    provider = "openrouter-free" if fails else "ollama"
    if fails:
        yield "try-provider", {**named, "provider": "ollama", "stream": stream}
        error = "cannot connect to 127.0.0.1:11434: Connection refused"
        yield "provider-failed", {
            **named, "provider": "ollama", "status": None, "retryable": True, "error_type": "connect",
            "error": error, "duration_s": 0.004,
        }  # fmt: skip
    exhausted = down and chance.random() < 0.12
    yield "try-provider", {**named, "provider": provider, "stream": stream}
    if exhausted:
        yield "provider-failed", {
            **named, "provider": provider, "status": 429, "retryable": True, "error_type": "rate_limited",
            "error": "HTTP 429: too many requests, try again in 20 s", "duration_s": 0.31,
        }  # fmt: skip
    else:
        yield "provider-ok", {**named, "provider": provider, "stream": stream, "duration_s": round(ttft_s, 6)}
    yield "request-finished", {
        **named, "ingress": "anthropic", "profile": "coding", "stream": stream,
        "outcome": "exhausted" if exhausted else "ok", "status": 502 if exhausted else 200,
        "provider": None if exhausted else provider, "model": "m", "attempts": 1 + fails,
        "duration_s": round(ttft_s * chance.uniform(2, 9), 6), "ttft_s": round(ttft_s, 6) if stream else None,
        "overhead_s": 0.002, "input_tokens": None if exhausted else chance.randrange(9000),
        "output_tokens": None if exhausted else chance.randrange(900),
        "cache_read_tokens": None if exhausted else chance.randrange(30000), "cache_creation_tokens": None,
        "cost_usd": None if exhausted else chance.randrange(9000) / 1e6,
        "cache_savings_usd": None if exhausted else 0.001,
        "stop_reason": None if exhausted else "stop",
    }  # fmt: skip


def _line(msg: str, ts: float, writer: str, seq: int, **fields: object) -> bytes:
    return line(msg, ts=utc(ts), writer=writer, seq=seq, **fields)


def utc(ts: float) -> str:
    """Return the time in the format of event lines."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
