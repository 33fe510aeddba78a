"""What the log says about requests: a table of the events that are logged, with level and text.

At debug the lines say why each provider was skipped or tried. No line contains anything of a body or a key.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from coderouter_events import events
from coderouter_events.events import Event
from coderouter_http.logs import ACCESS_LOG, Entry

ERROR_CHARS_MAX = 200

access_log = logging.getLogger(ACCESS_LOG)
log = logging.getLogger(__name__)

Words = Callable[[Any], str]
Emit = Callable[[Event], None]


def logged(write: Emit) -> Emit:
    """Return a function that writes events and logs those that have a line at the levels in use."""
    shown = {
        event: (logger, level, words)
        for event, (logger, level, words) in LINES.items()
        if logger.isEnabledFor(level)
    }
    if not shown:
        return write

    def emit(event: Event) -> None:
        write(event)
        line = shown.get(type(event))
        if line is not None:
            logger, level, words = line
            logger.log(level, Entry(event.msg, event, words))

    return emit


def _finished(event: events.RequestFinished) -> str:
    return f"{event.request_id} {event.status} {event.outcome}: {', '.join(_parts(event))}"


def _parts(event: events.RequestFinished) -> Iterator[str]:
    yield f"agent {event.agent}"
    if event.profile is not None:
        yield f"profile {event.profile}"
    if event.provider is not None:
        yield f"{event.provider}/{event.model}"
    yield "1 try" if event.attempts == 1 else f"{event.attempts} tries"
    if event.input_tokens is not None or event.output_tokens is not None:
        yield f"tokens {_count(event.input_tokens)} in {_count(event.output_tokens)} out"
    if event.cache_read_tokens:
        yield f"{event.cache_read_tokens} cached"
    if event.cost_usd is not None:
        yield f"${event.cost_usd:.6f}".rstrip("0").rstrip(".")
    if event.ttft_s is not None:
        yield f"ttft {event.ttft_s:.3f} s"
    yield f"{event.duration_s:.3f} s"
    if event.error_type is not None:
        yield f"broken off: {event.error_type}"


def _count(tokens: int | None) -> str:
    return "?" if tokens is None else str(tokens)


def _failed(event: events.ProviderFailed) -> str:
    status = f" {event.status}" if event.status is not None else ""
    failed = f"{event.request_id}: {event.provider} failed after {event.duration_s:.3f} s"
    return f"{failed}: {event.error_type}{status}: {_one_line(event.error)}; {_next(event)}"


def _next(event: events.ProviderFailed) -> str:
    if isinstance(event, events.ProviderFailedMidstream):
        return "the client's stream ends with an error"
    return "the next provider is tried" if event.retryable else "no other provider is tried"


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= ERROR_CHARS_MAX else f"{line[: ERROR_CHARS_MAX - 1]}…"


def _budget(event: events.SkipBudgetExceeded) -> str:
    spent = f"{event.spent_usd:.2f} of {event.budget_usd:g} dollars are spent this month"
    return f"{event.request_id}: {event.provider} is skipped: {spent}"


def _adapted(event: events.ProviderAdapted) -> str:
    needs = f"{event.provider} needs {event.trait}: {event.value} ({event.reason})"
    return f"{event.request_id}: {needs}{'; later requests start with it' if event.remembered else ''}"


def _auto_routed(event: events.AutoRouterResolved | events.AutoRouterFallthrough) -> str:
    rule = f"rule {event.rule_id}" if isinstance(event, events.AutoRouterResolved) else "no rule matched"
    return f"{event.request_id}: profile {event.resolved_profile}: {rule}"


LINES: dict[type[Event], tuple[logging.Logger, int, Words]] = {
    events.RequestFinished: (access_log, logging.INFO, _finished),
    events.ProviderFailed: (log, logging.WARNING, _failed),
    events.ProviderFailedMidstream: (log, logging.WARNING, _failed),
    events.ChainPaidGateBlocked: (
        log,
        logging.WARNING,
        lambda event: f"{event.request_id}: profile {event.profile} has only paid providers; {event.hint}",
    ),
    events.ChainUniformAuthFailure: (
        log,
        logging.WARNING,
        lambda event: f"{event.request_id}: every provider refused its key with {event.status}; {event.hint}",
    ),
    events.SkipPaidProvider: (
        log,
        logging.DEBUG,
        lambda event: f"{event.request_id}: {event.provider} is skipped: paid, and allow_paid is false",
    ),
    events.SkipUnknownProvider: (
        log,
        logging.DEBUG,
        lambda event: f"{event.request_id}: {event.provider} is skipped: not in providers.yaml",
    ),
    events.SkipBudgetExceeded: (log, logging.DEBUG, _budget),
    events.TryProvider: (log, logging.DEBUG, lambda event: f"{event.request_id}: {event.provider} is tried"),
    events.ProviderOk: (
        log,
        logging.DEBUG,
        lambda event: f"{event.request_id}: {event.provider} answers after {event.duration_s:.3f} s",
    ),
    events.ProviderAdapted: (log, logging.DEBUG, _adapted),
    events.CapabilityDegraded: (
        log,
        logging.DEBUG,
        lambda event: (
            f"{event.request_id}: {event.provider} does not get {', '.join(event.dropped)}: {event.reason}"
        ),
    ),
    events.AutoRouterResolved: (log, logging.DEBUG, _auto_routed),
    events.AutoRouterFallthrough: (log, logging.DEBUG, _auto_routed),
}
