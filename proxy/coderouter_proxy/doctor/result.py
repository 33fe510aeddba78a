"""The result of one check: a verdict, what was found, and what to do about it."""

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
    """What a verdict means, and the exit code that it causes."""

    text: str
    exit_code: int


MEANINGS: dict[Verdict, Meaning] = {
    Verdict.OK: Meaning("as declared, or as it should be", 0),
    Verdict.NEEDS_TUNING: Meaning("works, but not as declared; the patch or the remedy fixes it", 2),
    Verdict.UNSUPPORTED: Meaning("the other side responds, but does not support what was requested", 1),
    Verdict.AUTH_FAIL: Meaning("a key is missing or was rejected", 1),
    Verdict.TRANSPORT_ERROR: Meaning("unreachable, too slow, or not speaking the expected API", 1),
    Verdict.SKIP: Meaning("not checked; the message says why", 0),
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """The outcome of one check; `remedy` says what to do about it.

    `subject` is what was checked, e.g. a provider or a file; results of one subject are shown together.

    `patch` holds fields to merge into those of the provider in providers.yaml.
    """

    verdict: Verdict
    message: str
    remedy: str = ""
    check: str = ""
    subject: str = ""
    patch: Mapping[str, Any] = field(default_factory=dict)


def exit_code(results: Iterable[Result]) -> int:
    """Return 0 when all is as declared, 2 when something needs tuning, 1 when a check could not run; 1 wins over 2."""
    codes = {MEANINGS[result.verdict].exit_code for result in results}
    return next((code for code in (1, 2) if code in codes), 0)
