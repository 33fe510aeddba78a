"""The client requests of the generated hour, as events of the proxy."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from itertools import count

from coderouter_events.closed_sets import Ingress, Outcome
from coderouter_events.events import (
    AutoRouterFallthrough,
    AutoRouterResolved,
    CapabilityDegraded,
    Event,
    OutputFilterApplied,
    ProviderCooldown,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    ProviderRecovered,
    RequestFinished,
    ToolCallRepaired,
    TryProvider,
)
from preview.providers import CATALOG, CHAINS, ERRORS, INCIDENTS, MODELS, Incident, Model

Timed = tuple[float, Event]
"""Seconds since the start of the hour, and the event at that time."""

COOLDOWN_AFTER = 3
COOLDOWN_S = 60.0
RULES = {"coding": "agent", "writing": "prose", "background": None}
MODEL_NAMES = {entry["name"]: entry["model"] for entry in CATALOG}


class Traffic:
    """The requests of an hour; the same seed gives the same hour."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._numbers = count(1)
        self._failures: Counter[str] = Counter()
        self._cooldown_until: dict[str, float] = {}  # by provider
        self._spans: list[tuple[float, float]] = []

    def next_arrival_s(self, at: float) -> float:
        """Return the seconds to the next request; the rate is a wave that peaks in the middle of the hour."""
        per_s = 0.25 + 0.35 * math.sin(math.pi * at / 3600) ** 2
        return self._chance.expovariate(per_s)

    def in_flight(self, at: float) -> int:
        return sum(began <= at < ended for began, ended in self._spans)

    def request(self, at: float) -> Iterator[Timed]:
        profile = self._chance.choices(list(CHAINS), (6, 2, 3))[0]
        request = Request(f"req_{next(self._numbers):05}", profile, at, self._chance)
        yield from request.routed()
        if self._chance.random() < 0.01:
            yield request.finished(at + 0.003, "client_error", 400)
            return
        now = at + 0.001
        for name in sorted(CHAINS[profile], key=lambda name: self._cooldown_until.get(name, 0.0) > at):
            request.attempts += 1
            yield now, TryProvider(request_id=request.id, provider=name, stream=request.stream)
            incident = self._incident(name, at)
            if incident is None:
                yield from self._count_success(name, now)
                yield from request.answered(name, now)
                break
            now += incident.after_s
            yield now, request.failed(ProviderFailed, incident)
            yield from self._count_failure(name, now)
        else:
            yield request.finished(now, "exhausted", 502)
        self._spans.append((at, request.ended))

    def _incident(self, name: str, at: float) -> Incident | None:
        for incident in INCIDENTS:
            if (
                incident.provider == name
                and at // 60 in incident.minutes
                and self._chance.random() < incident.share
            ):
                return incident
        return None

    def _count_failure(self, name: str, now: float) -> Iterator[Timed]:
        self._failures[name] += 1
        if self._failures[name] >= COOLDOWN_AFTER and self._cooldown_until.get(name, 0.0) <= now:
            self._cooldown_until[name] = now + COOLDOWN_S
            yield (
                now,
                ProviderCooldown(
                    provider=name, reason="failures", failures=self._failures[name], seconds=COOLDOWN_S
                ),
            )

    def _count_success(self, name: str, now: float) -> Iterator[Timed]:
        self._failures[name] = 0
        until = self._cooldown_until.pop(name, None)
        if until is not None:
            yield now, ProviderRecovered(provider=name, cooldown_s=now - until + COOLDOWN_S)


class Request:
    """One request from its start to its end."""

    def __init__(self, request_id: str, profile: str, at: float, chance: random.Random) -> None:
        self.id = request_id
        self.profile = profile
        self.at = at
        self.ended = at
        self.attempts = 0
        self.stream = chance.random() < 0.85
        self.ingress: Ingress = "anthropic" if profile == "coding" else "openai"
        self._chance = chance

    def routed(self) -> Iterator[Timed]:
        rule = RULES[self.profile]
        if rule is None:
            yield (
                self.at,
                AutoRouterFallthrough(request_id=self.id, resolved_profile=self.profile, signals={}),
            )
        else:
            yield (
                self.at,
                AutoRouterResolved(
                    request_id=self.id, rule_id=rule, resolved_profile=self.profile, signals={}
                ),
            )

    def failed(self, event: type[ProviderFailed], incident: Incident) -> ProviderFailed:
        return event(
            request_id=self.id,
            provider=incident.provider,
            status=incident.status,
            retryable=event is ProviderFailed,
            error_type=incident.error_type,
            error=ERRORS[incident.error_type],
            duration_s=incident.after_s,
        )

    def answered(self, name: str, now: float) -> Iterator[Timed]:
        model, chance = MODELS[name], self._chance
        first_s = chance.lognormvariate(math.log(model.first_token_s), 0.5)
        output = round(chance.lognormvariate(math.log(180), 0.9)) + 1
        rest_s = output * chance.lognormvariate(math.log(model.per_token_s), 0.25)
        whole_s = first_s if self.stream else first_s + rest_s
        ok = ProviderOk(request_id=self.id, provider=name, stream=self.stream, duration_s=whole_s)
        yield now + whole_s, ok
        yield from self._repairs(name, model, now + first_s)
        outcome, status = self._end()
        if outcome != "ok":
            rest_s *= 0.4
        end = now + first_s + rest_s
        if outcome == "midstream":
            yield (
                end,
                self.failed(
                    ProviderFailedMidstream, Incident(name, range(0), 1, "timeout_idle", 200, end - now)
                ),
            )
        yield self.finished(end, outcome, status, name, first_s + now - self.at, output)

    def finished(
        self,
        end: float,
        outcome: Outcome,
        status: int,
        name: str | None = None,
        ttft_s: float | None = None,
        output: int = 0,
    ) -> Timed:
        self.ended = end
        has_usage = name is not None
        prompt = round(self._chance.lognormvariate(math.log(2500), 0.8))
        cached = round(prompt * MODELS[name].cached) if name else 0
        return end, RequestFinished(
            request_id=self.id,
            ingress=self.ingress,
            profile=self.profile,
            stream=self.stream,
            outcome=outcome,
            status=status,
            provider=name,
            model=MODEL_NAMES[name] if name else None,
            attempts=self.attempts,
            duration_s=end - self.at,
            ttft_s=ttft_s if self.stream else None,
            overhead_s=self._chance.lognormvariate(math.log(0.0009), 0.4),
            input_tokens=prompt - cached if has_usage else None,
            output_tokens=output if has_usage else None,
            cache_read_tokens=cached if has_usage else None,
            cache_creation_tokens=cached // 20 if has_usage else None,
            cost_usd=_cost_usd(MODELS[name], prompt - cached, output, cached) if has_usage and name else None,
            cache_savings_usd=_cache_savings_usd(MODELS[name], cached) if has_usage and name else None,
            stop_reason=self._stop_reason() if outcome == "ok" else None,
            error_type="timeout_idle" if outcome == "midstream" else None,
            agent="claude-code" if self.ingress == "anthropic" else "opencode",
            request_class="main" if self.ingress == "anthropic" else None,
            requested_model="claude-sonnet-5-5" if self.ingress == "anthropic" else "any",
            tool_calls=0,
            had_tools=True,
            waited_s=0.0,
            key_index=0,
            traceparent=None,
            session=f"{self.profile}-{int(self.at // 600) + 1}",  # agents work in sessions of ten minutes
        )

    def _end(self) -> tuple[Outcome, int]:
        if not self.stream:
            return "ok", 200
        ends: tuple[tuple[Outcome, int], ...] = (("ok", 200), ("client_gone", 200), ("midstream", 200))
        return self._chance.choices(ends, (96.5, 3, 0.5))[0]

    def _stop_reason(self) -> str:
        return self._chance.choices(("stop", "tool_calls", "length"), (6, 3, 0.3))[0]

    def _repairs(self, name: str, model: Model, at: float) -> Iterator[Timed]:
        """Yield the repairs of a small model's answer."""
        if self._chance.random() < model.leaks:
            filters = ["strip_thinking"] if self._chance.random() < 0.6 else ["strip_stop_markers"]
            yield (
                at,
                OutputFilterApplied(
                    request_id=self.id, provider=name, filters=filters, streaming=self.stream
                ),
            )
        if self._chance.random() < model.leaks / 2:
            yield at, ToolCallRepaired(request_id=self.id, provider=name, count=1)
        if self.ingress == "anthropic" and name != "claude" and self._chance.random() < 0.4:
            yield (
                at,
                CapabilityDegraded(
                    request_id=self.id, provider=name, dropped=["cache_control"], reason="translation-lossy"
                ),
            )


def _cache_savings_usd(model: Model, cached: int) -> float | None:
    return None if model.input_usd is None else round(0.9 * cached * model.input_usd) / 1e6


def _cost_usd(model: Model, prompt: int, output: int, cached: int) -> float | None:
    if model.input_usd is None or model.output_usd is None:
        return None
    return round((prompt + 0.1 * cached) * model.input_usd + output * model.output_usd) / 1e6
