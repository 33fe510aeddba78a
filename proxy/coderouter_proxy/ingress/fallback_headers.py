"""Response headers that report fallbacks, with the names of CodeRouter 2.15."""

from collections.abc import Mapping
from urllib.parse import quote

from coderouter_events.closed_sets import ErrorType
from coderouter_events.events import (
    SkipBudgetExceeded,
    SkipPaidProvider,
    SkipShortContext,
    SkipUnknownProvider,
)
from coderouter_proxy.config.schema import Provider
from coderouter_proxy.ingress import who_answered
from coderouter_proxy.routing.attempts import Departure

CHAIN_MAX = 16
_NOT_IN_LISTS = ",>"

_ERRORS: dict[ErrorType, bytes] = {
    "connect": b"connection",
    "timeout_connect": b"timeout",
    "timeout_first_byte": b"timeout",
    "timeout_idle": b"timeout",
    "auth": b"auth",
    "rate_limited": b"rate-limit",
    "overloaded": b"upstream-5xx",
    "upstream_5xx": b"upstream-5xx",
    "upstream_4xx": b"upstream-4xx",
    "not_found": b"upstream-4xx",
    "protocol": b"upstream-error",
    "empty": b"empty-response",
    "cancelled": b"upstream-error",
}


def headers(left: Mapping[str, Departure], provider: Provider | None) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request that moved on from a provider, whether another answered or none; else nothing.

    `left` has the reason for each provider that it moved on from, in that order.
    """
    answered = provider.name if provider is not None else None
    departures = [(name, why) for name, why in left.items() if name != answered][:CHAIN_MAX]
    if not departures:
        return []
    chain = [_name(name) for name, _ in departures] + ([_name(answered)] if answered is not None else [])
    said = [
        (b"x-coderouter-fallback-from", chain[0]),
        (b"x-coderouter-fallback-reason", b",".join(_reason(why) for _, why in departures)),
        (b"x-coderouter-fallback-chain", b">".join(chain)),
    ]
    return [*said, (b"x-coderouter-fallback-to", chain[-1])] if answered is not None else said


def _name(name: str) -> bytes:
    value = who_answered.value(name)
    for character in _NOT_IN_LISTS:
        value = value.replace(character.encode(), quote(character).encode())
    return value


def _reason(why: Departure) -> bytes:
    match why:
        case SkipPaidProvider():
            return b"paid-gate"
        case SkipBudgetExceeded():
            return b"budget-exceeded"
        case SkipUnknownProvider():
            return b"unknown-provider"
        case SkipShortContext():
            return b"context-too-small"
        case _:
            return _ERRORS[why.error_type]
