"""What a check found, how bad that is, and what to do about it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    OK = "OK"
    NEEDS_TUNING = "NEEDS_TUNING"
    UNSUPPORTED = "UNSUPPORTED"
    AUTH_FAIL = "AUTH_FAIL"
    TRANSPORT_ERROR = "TRANSPORT_ERROR"
    SKIP = "SKIP"


@dataclass(frozen=True)
class Meaning:
    """What a verdict says, and the exit code that it asks for."""

    text: str
    exit_code: int


MEANINGS: dict[Verdict, Meaning] = {
    Verdict.OK: Meaning("as it is declared, or as it should be", 0),
    Verdict.NEEDS_TUNING: Meaning("works, but not as declared; the patch or the remedy mends it", 2),
    Verdict.UNSUPPORTED: Meaning("the other side answers, but does not have what was asked for", 1),
    Verdict.AUTH_FAIL: Meaning("a key is missing or refused", 1),
    Verdict.TRANSPORT_ERROR: Meaning("not reached, not in time, or not the wire", 1),
    Verdict.SKIP: Meaning("not looked at; the message says why", 0),
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check found, and as `remedy` what to do about it.

    `subject` is what was looked at, e.g. a provider or a file; results of one subject stand together.

    `patch` holds fields of the provider in providers.yaml, to be laid over those it has.
    """

    verdict: Verdict
    message: str
    remedy: str = ""
    check: str = ""
    subject: str = ""
    patch: Mapping[str, Any] = field(default_factory=dict)


def exit_code(results: Iterable[Result]) -> int:
    """Return 0 when all is as declared, 2 when something needs tuning, 1 when a check could not run; 1 wins over 2."""
    asked = {MEANINGS[result.verdict].exit_code for result in results}
    return next((code for code in (1, 2) if code in asked), 0)
