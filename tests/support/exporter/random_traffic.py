"""Random traffic of a few proxy processes: requests that overlap, fail, break off, and lose their process."""

import random
from collections.abc import Iterator
from typing import Any

from support.exporter.process import line
from support.exporter.sample_events import utc

PROVIDERS = ("ollama", "openrouter", "claude")
ZONES = (None, "Europe/Berlin", "Asia/Kathmandu", "nowhere/at-all")
AGENTS = ("claude-code", "codex", "other")
ERRORS = (
    ("rate_limited", 429, "HTTP 429: Too Many Requests"),
    ("connect", None, "cannot connect"),
    ("empty", 200, "ÉMPTY"),
)

PAUSE_S = 0.1
"""Between two lines, on average: no process is silent for long."""


class Process:
    """One proxy process; its lines are numbered."""

    def __init__(self, chance: random.Random, name: str) -> None:
        self._chance = chance
        self.name = name
        self.seq = 0
        self.running: list[Iterator[tuple[str, dict[str, Any]]]] = []

    def line(self, msg: str, ts: float, **fields: object) -> bytes:
        self.seq += 1
        return line(msg, ts=utc(ts), writer=self.name, seq=self.seq, **fields)


class Traffic:
    """Yields lines on demand, from `begin` on; time passes with each."""

    def __init__(self, chance: random.Random, begin: float) -> None:
        self._chance = chance
        self.now = begin
        self._number = 0
        self.processes = [Process(chance, f"writer-{self._next()}") for _ in range(2)]

    def lines(self, number: int) -> Iterator[bytes]:
        for _ in range(number):
            yield self._line()

    def pause(self, seconds: float) -> Iterator[bytes]:
        """Shut all processes down, and start others after the pause."""
        for process in self.processes:
            yield process.line("coderouter-shutdown", self.now, reason="SIGTERM")
        self.now += seconds
        self.processes = [Process(self._chance, f"writer-{self._next()}") for _ in self.processes]

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _line(self) -> bytes:
        chance = self._chance
        self.now += PAUSE_S * chance.expovariate(1)
        process = chance.choice(self.processes)
        kind = chance.random()
        if process.seq == 0:
            return process.line("coderouter-startup", self.now, **self._startup({}))
        if kind < 0.01:
            return self._replace(process)
        if kind < 0.02:
            return process.line("config-reloaded", self.now, **self._startup({}))
        if kind < 0.04:
            return process.line("proxy-heartbeat", self.now, in_flight=1, rss_bytes=1, events_dropped=0)
        if len(process.running) < 5 and chance.random() < 0.5:
            process.running.append(self._request())
        while process.running:
            request = chance.choice(process.running)
            found = next(request, None)
            if found is not None:
                return process.line(found[0], self.now, **found[1])
            process.running.remove(request)
        return process.line("proxy-heartbeat", self.now, in_flight=0, rss_bytes=1, events_dropped=0)

    def _replace(self, process: Process) -> bytes:
        """End the process, cleanly or not, and start another in its place."""
        self.processes.remove(process)
        new = Process(self._chance, f"writer-{self._next()}")
        self.processes.append(new)
        kind = self._chance.randrange(3)
        if kind == 0:
            return process.line("coderouter-shutdown", self.now, reason="SIGTERM")
        if kind == 1:
            return process.line(
                "worker-lost", self.now, pid=1, reason="exited", in_flight=len(process.running)
            )
        return new.line("coderouter-startup", self.now, **self._startup({process.name: process.seq}))

    def _startup(self, ended: dict[str, int]) -> dict[str, Any]:
        return {
            "version": "2", "providers": list(PROVIDERS), "profiles": ["coding"], "default_profile": "coding",
            "allow_paid": True, "mode_source": "config", "display_timezone": self._chance.choice(ZONES),
            "catalog": [], "chains": {"coding": list(PROVIDERS)}, "ended_writers": ended,
        }  # fmt: skip

    def _request(self) -> Iterator[tuple[str, dict[str, Any]]]:
        chance = self._chance
        named = {"request_id": f"req_{self._next():012x}"}
        stream, begun, attempts = chance.random() < 0.7, self.now, 0
        outcome, provider, error_type = "exhausted", None, None
        for name in chance.sample(PROVIDERS, chance.randint(1, 3)):
            own = {**named, "provider": name}
            if chance.random() < 0.1:
                yield "skip-budget-exceeded", {**own, "spent_usd": 5.5, "budget_usd": 5.0}
                continue
            if chance.random() < 0.1:
                yield "skip-short-context", {**own, "needed_tokens": 9000, "window_tokens": 8192}
                continue
            if chance.random() < 0.1:
                yield "provider-queued", {**own, "waited_s": 0.5, "result": "place"}
            yield "try-provider", {**own, "stream": stream}
            attempts += 1
            if chance.random() < 0.1:
                yield "capability-degraded", {**own, "dropped": ["thinking"], "reason": "translation-lossy"}
            kind, status, error = chance.choice(ERRORS)
            failure = {
                "status": status,
                "error_type": kind,
                "error": error,
                "duration_s": round(chance.random(), 6),
            }
            if chance.random() < 0.3:
                yield "provider-failed", {**own, "retryable": True, **failure}
                continue
            yield "provider-ok", {**own, "stream": stream, "duration_s": round(chance.random(), 6)}
            outcome, provider = "ok", name
            if chance.random() < 0.1:
                outcome, error_type = "midstream", kind
                yield "provider-failed-midstream", {**own, "retryable": False, **failure}
            elif chance.random() < 0.1:
                outcome = "client_gone"
            if chance.random() < 0.1:
                yield "tool-call-repaired", {**own, "count": chance.randint(1, 3)}
            break
        answered = provider is not None
        yield "request-finished", {
            **named, "ingress": chance.choice(("openai", "anthropic")), "profile": "coding", "stream": stream,
            "outcome": outcome, "status": 200 if answered else 502, "provider": provider,
            "model": f"model of {provider}" if answered else None, "attempts": attempts,
            "duration_s": round(self.now - begun + 0.001, 6),
            "ttft_s": round((self.now - begun) / 2, 6) if answered and stream else None, "overhead_s": 0.001,
            "input_tokens": chance.randrange(9000) if answered else None,
            "output_tokens": chance.randrange(900) if answered else None,
            "cache_read_tokens": chance.choice((None, chance.randrange(9000))) if answered else None,
            "cache_creation_tokens": None,
            "cost_usd": chance.choice((None, chance.randrange(10**6) / 10**6)) if answered else None,
            "stop_reason": "stop" if answered else None, "error_type": error_type, "agent": chance.choice(AGENTS),
            "request_class": chance.choice((None, "main", "subagent")), "requested_model": "gpt-5",
            "tool_calls": chance.randrange(3), "had_tools": True, "traceparent": None,
            "session": chance.choice((None, f"{chance.randrange(4):012x}")), "waited_s": chance.choice((0.0, 1.5)),
            "key_index": chance.choice((None, 0, 1)),
        }  # fmt: skip
