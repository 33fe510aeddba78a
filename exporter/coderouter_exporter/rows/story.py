"""What happened to a request, step by step: kept with its row, from the events that name it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from coderouter_events.events import (
    AutoRouterFallthrough,
    AutoRouterResolved,
    CapabilityDegraded,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    OutputFilterApplied,
    ProviderAdapted,
    ProviderFailed,
    ProviderFailedMidstream,
    ProviderOk,
    ProviderQueued,
    RequestFinished,
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipShortContext,
    SkipUnknownProvider,
    StateMissed,
    ToolCallRepaired,
    ToolLoopDetected,
    TryProvider,
)
from coderouter_exporter.records.record import Record
from coderouter_exporter.records.values import unix_time

STEPS_MAX = 100
ENTRIES_MAX = 20
TEXT_CHARS_MAX = 200
ERROR_CHARS_MAX = 500
NUMBER_MAX = 1 << 53


class Step(NamedTuple):
    seq: int
    """The number of its line; 0 if that has none."""
    ts: float
    """The time in the event, which may be wrong; steps of one request are compared with each other only."""
    what: str
    provider: str | None = None
    duration_s: float | None = None
    status: int | None = None
    error_type: str | None = None
    error: str | None = None
    details: dict[str, Any] | None = None


_Details = Callable[[Record], dict[str, Any] | None]


def clipped(text: str | None, chars: int = TEXT_CHARS_MAX) -> str | None:
    return text if text is None or len(text) <= chars else text[:chars]


def whole(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= NUMBER_MAX else None


def seconds(number: float | None) -> float | None:
    return number if number is not None and 0 <= number <= NUMBER_MAX else None


def _entries(texts: Sequence[str]) -> list[str | None]:
    return [clipped(text) for text in texts[:ENTRIES_MAX]]


_KINDS: dict[str, tuple[str, _Details | None]] = {
    TryProvider.msg: ("try", None),
    ProviderOk.msg: ("ok", None),
    ProviderFailed.msg: ("failed", None),
    ProviderFailedMidstream.msg: ("midstream", None),
    SkipPaidProvider.msg: ("skipped", lambda _: {"reason": "paid"}),
    SkipUnknownProvider.msg: ("skipped", lambda _: {"reason": "unknown"}),
    SkipBudgetExceeded.msg: (
        "skipped",
        lambda record: {
            "reason": "budget",
            "spent_usd": seconds(record.spent_usd),
            "budget_usd": seconds(record.budget_usd),
        },
    ),
    SkipShortContext.msg: (
        "skipped",
        lambda record: {
            "reason": "context",
            "needed_tokens": whole(record.needed_tokens),
            "window_tokens": whole(record.window_tokens),
        },
    ),
    ProviderQueued.msg: (
        "queued",
        lambda record: {"waited_s": seconds(record.waited_s), "result": clipped(record.result)},
    ),
    ToolLoopDetected.msg: (
        "tool_loop",
        lambda record: {"repeats": whole(record.repeats), "action": clipped(record.action)},
    ),
    ProviderAdapted.msg: (
        "adapted",
        lambda record: {
            "trait": clipped(record.trait),
            "value": clipped(record.value),
            "reason": clipped(record.reason),
            "remembered": record.remembered,
        },
    ),
    ToolCallRepaired.msg: ("repaired", lambda record: {"count": whole(record.count)}),
    OutputFilterApplied.msg: ("filtered", lambda record: {"filters": _entries(record.filters)}),
    CapabilityDegraded.msg: (
        "degraded",
        lambda record: {"dropped": _entries(record.dropped), "reason": clipped(record.reason)},
    ),
    StateMissed.msg: ("state_missed", None),
    AutoRouterResolved.msg: (
        "routed",
        lambda record: {"rule": clipped(record.rule_id), "profile": clipped(record.resolved_profile)},
    ),
    AutoRouterFallthrough.msg: (
        "routed",
        lambda record: {"rule": None, "profile": clipped(record.resolved_profile)},
    ),
    ChainPaidGateBlocked.msg: ("blocked", None),
    ChainUniformAuthFailure.msg: ("auth_failed", None),
    RequestFinished.msg: ("finished", lambda record: {"outcome": clipped(record.outcome)}),
}
EVENTS = frozenset(_KINDS)
"""The events that are part of a request's story."""


def step_of(record: Record) -> Step:
    what, details = _KINDS[record.msg]
    return Step(
        seq=whole(record.seq) or 0,
        ts=unix_time(record.ts) or 0.0,
        what=what,
        provider=clipped(record.provider),
        duration_s=seconds(record.duration_s),
        status=whole(record.status),
        error_type=clipped(record.error_type),
        error=clipped(record.error, ERROR_CHARS_MAX),
        details=details(record) if details else None,
    )


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Return the steps in the order in which they were written, each numbered one once; at most `STEPS_MAX`."""
    numbered: dict[int, Step] = {}
    unnumbered: list[Step] = []
    for step in steps:
        if step.seq:
            numbered.setdefault(step.seq, step)
        else:
            unnumbered.append(step)
    if unnumbered:
        found = sorted((*numbered.values(), *unnumbered), key=lambda step: (step.ts, step.seq))
    else:
        found = [numbered[seq] for seq in sorted(numbered)]
    return found if len(found) <= STEPS_MAX else [*found[: STEPS_MAX - 1], found[-1]]


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Step]).decode


def last_failure(steps: Sequence[Step]) -> Step | None:
    return next((step for step in reversed(steps) if step.what in ("failed", "midstream")), None)


def start_of(steps: Sequence[Step]) -> float:
    """Return when the request began, by the clock of its events."""
    finished = next((step for step in reversed(steps) if step.what == "finished"), None)
    if finished is not None:
        begun: float = finished.ts - (finished.duration_s or 0.0)
        return min(begun, *(step.ts for step in steps))
    return min((step.ts for step in steps), default=0.0)


def tries_of(steps: Sequence[Step], start: float) -> list[dict[str, Any]]:
    """Return each try with its offset from the start, its duration and its result; of one that has not ended: null."""
    tries: list[dict[str, Any]] = []
    running: dict[str | None, dict[str, Any]] = {}
    for step in steps:
        if step.what == "try":
            tries.append(_try(step, offset_s(step.ts, start)))
            running[step.provider] = tries[-1]
        elif step.what in ("ok", "failed", "midstream"):
            entry = running.get(step.provider)
            if entry is None or entry["result"] in ("failed", "midstream"):
                entry = _try(step, offset_s(step.ts - (step.duration_s or 0.0), start))
                tries.append(entry)
                running[step.provider] = entry
            entry |= {
                "duration_s": step.duration_s,
                "result": step.what,
                "status": step.status,
                "error_type": step.error_type,
                "error": step.error,
            }
        elif step.what == "skipped":
            entry = _try(step, offset_s(step.ts, start))
            tries.append({**entry, "duration_s": 0.0, "result": "skipped", **(step.details or {})})
    return tries


def _try(step: Step, at_s: float) -> dict[str, Any]:
    return {
        "provider": step.provider,
        "at_s": at_s,
        "duration_s": None,
        "result": None,
        "status": None,
        "error_type": None,
        "error": None,
    }


def offset_s(ts: float, start: float) -> float:
    return round(max(0.0, ts - start), 3)
