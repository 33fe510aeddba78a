"""Clients that are refused before their request is looked at: what they get, how often, and one log line a minute."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

LOG_EVERY_S = 60.0

Reason = Literal["connections", "requests", "bodies", "slow"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What a client gets instead of an answer; `message` is a sentence without values that the client chose."""

    reason: Reason
    status: int
    message: str
    retry_after_s: int | None = None


ErrorBody = Callable[[Refusal], tuple[bytes, bytes]]
"""Returns the content type and the body of a refusal."""


class Refused(Exception):
    """Raised in a callback of the parser, which stops there."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Refusals:
    """The refusals of one server."""

    def __init__(self, error_body: ErrorBody) -> None:
        self._error_body = error_body
        self._new: Counter[Reason] = Counter()
        self._unlogged: Counter[str] = Counter()
        self._logged_at = float("-inf")

    def add(self, refusal: Refusal) -> None:
        self._new[refusal.reason] += 1
        self._unlogged[refusal.message] += 1

    def take(self) -> Counter[Reason]:
        """Return the number of refusals by reason since the last call."""
        taken, self._new = self._new, Counter()
        return taken

    def log(self, now: float) -> None:
        """Log the refusals since the last line, at most once a minute; `now` is in seconds of any clock."""
        if self._unlogged and now - self._logged_at >= LOG_EVERY_S:
            for message, count in self._unlogged.items():
                log.warning("refused %d times: %s", count, message)
            self._unlogged.clear()
            self._logged_at = now

    def response(self, refusal: Refusal, default_headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Return what the client gets; the connection is closed after it."""
        content_type, body = self._error_body(refusal)
        fields = [
            *default_headers,
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        if refusal.retry_after_s is not None:
            fields.append((b"retry-after", b"%d" % refusal.retry_after_s))
        status = HTTPStatus(refusal.status)
        first = b"HTTP/1.1 %d %b" % (status, status.phrase.encode())
        return b"\r\n".join([first, *(b"%b: %b" % field for field in fields), b"", body])


def bad_request(status: int, message: str, retry_after_s: int | None = None) -> Refusal:
    return Refusal(reason="requests", status=status, message=message, retry_after_s=retry_after_s)


def too_slow(message: str) -> Refusal:
    return Refusal(reason="slow", status=408, message=message)


MALFORMED = bad_request(400, "a request is not valid HTTP")
ONE_HOST = bad_request(400, "a request has no Host field, or more than one")
NO_TUNNELS = bad_request(405, "CONNECT is not supported")
