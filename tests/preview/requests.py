"""One client request of the made-up hour after the other, told in the proxy's events."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from itertools import count

from coderouter_events.events import (
    AutoRouterFallthrough,
    AutoRouterResolved,
    CapabilityDegraded,
    Event,
    Ingress,
    Outcome,
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
from preview.providers import CATALOG, CHAINS, MODELS, TROUBLES, Model, Trouble

Timed = tuple[float, Event]
"""Seconds since the hour began, and what happened then."""

COOLDOWN_AFTER = 3
COOLDOWN_S = 60.0
RULES = {"coding": "agent", "writing": "prose", "background": None}
MODEL_NAMES = {entry["name"]: entry["model"] for entry in CATALOG}


class Traffic:
    """What clients ask in an hour; the same seed gives the same hour."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._numbers = count(1)
        self._failures: Counter[str] = Counter()
        self._cooling: dict[str, float] = {}  # until when, by provider
        self._spans: list[tuple[float, float]] = []

    def until_the_next(self, at: float) -> float:
        """Return the seconds from one request to the next: it is a wave, with its crest in the middle."""
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
        for name in sorted(CHAINS[profile], key=lambda name: self._cooling.get(name, 0.0) > at):
            request.attempts += 1
            yield now, TryProvider(request_id=request.id, provider=name, stream=request.stream)
            trouble = self._trouble(name, at)
            if trouble is None:
                yield from self._recovered(name, now)
                yield from request.answered(name, now)
                break
            now += trouble.after_s
            yield now, request.failed(ProviderFailed, trouble)
            yield from self._cooled(name, now)
        else:
            yield request.finished(now, "exhausted", 502)
        self._spans.append((at, request.ended))

    def _trouble(self, name: str, at: float) -> Trouble | None:
        for trouble in TROUBLES:
            if (
                trouble.provider == name
                and at // 60 in trouble.minutes
                and self._chance.random() < trouble.share
            ):
                return trouble
        return None

    def _cooled(self, name: str, now: float) -> Iterator[Timed]:
        self._failures[name] += 1
        if self._failures[name] >= COOLDOWN_AFTER and self._cooling.get(name, 0.0) <= now:
            self._cooling[name] = now + COOLDOWN_S
            yield (
                now,
                ProviderCooldown(
                    provider=name, reason="failures", failures=self._failures[name], seconds=COOLDOWN_S
                ),
            )

    def _recovered(self, name: str, now: float) -> Iterator[Timed]:
        self._failures[name] = 0
        until = self._cooling.pop(name, None)
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

    def failed(self, event: type[ProviderFailed], trouble: Trouble) -> ProviderFailed:
        return event(
            request_id=self.id,
            provider=trouble.provider,
            status=trouble.status,
            retryable=event is ProviderFailed,
            error_type=trouble.error_type,
            error=trouble.error_type,
            duration_s=trouble.after_s,
        )

    def answered(self, name: str, now: float) -> Iterator[Timed]:
        model, chance = MODELS[name], self._chance
        first_s = chance.lognormvariate(math.log(model.first_token_s), 0.5)
        output = round(chance.lognormvariate(math.log(180), 0.9)) + 1
        rest_s = output * chance.lognormvariate(math.log(model.per_token_s), 0.25)
        whole_s = first_s if self.stream else first_s + rest_s
        ok = ProviderOk(request_id=self.id, provider=name, stream=self.stream, duration_s=whole_s)
        yield now + whole_s, ok
        yield from self._changed(name, model, now + first_s)
        outcome, status = self._end()
        if outcome != "ok":
            rest_s *= 0.4
        end = now + first_s + rest_s
        if outcome == "midstream":
            yield (
                end,
                self.failed(
                    ProviderFailedMidstream, Trouble(name, range(0), 1, "timeout_idle", 200, end - now)
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
        told = name is not None and self._chance.random() > 0.03
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
            input_tokens=prompt - cached if told else None,
            output_tokens=output if told else None,
            cache_read_tokens=cached if told else None,
            cache_creation_tokens=cached // 20 if told else None,
            cost_usd=_cost_usd(MODELS[name], prompt - cached, output, cached) if told and name else None,
            stop_reason=self._stop_reason() if outcome == "ok" else None,
            error_type="timeout_idle" if outcome == "midstream" else None,
        )

    def _end(self) -> tuple[Outcome, int]:
        if not self.stream:
            return "ok", 200
        ends: tuple[tuple[Outcome, int], ...] = (("ok", 200), ("client_gone", 200), ("midstream", 200))
        return self._chance.choices(ends, (96.5, 3, 0.5))[0]

    def _stop_reason(self) -> str:
        return self._chance.choices(("stop", "tool_calls", "length"), (6, 3, 0.3))[0]

    def _changed(self, name: str, model: Model, at: float) -> Iterator[Timed]:
        """Yield what was done to the answer of a small model."""
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


def _cost_usd(model: Model, prompt: int, output: int, cached: int) -> float | None:
    if model.input_usd is None or model.output_usd is None:
        return None
    return round((prompt + 0.1 * cached) * model.input_usd + output * model.output_usd) / 1e6
