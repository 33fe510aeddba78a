"""Reads from an exporter over HTTP."""

import base64
import json
from collections.abc import Iterable, Iterator
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_S = 15.0
START = "start the exporter with cr-exporter, or both programs with coderouter run"
API = "/api/v1"
READ_BYTES = 1 << 16
ERROR_BYTES_MAX = 4096

Parameters = Iterable[tuple[str, str]]
Row = dict[str, Any]

_open = build_opener(
    ProxyHandler({})
).open  # never through an HTTP proxy of the environment: an exporter is local


class ExporterUnreachable(Exception):
    """There is no answer; the message has the URL and the reason."""


class NotKept(Exception):
    """The exporter does not have what is named; the message says so."""


class Refused(Exception):
    """The exporter does not allow a parameter; the message names it, and what is allowed."""


def fetch_report(url: str) -> dict[str, Any]:
    """Return the report of the exporter at the URL.

    Raises:
        ExporterUnreachable
    """
    return parse_report(url, fetch_body(url))


def fetch_body(url: str) -> bytes:
    """Return the report as received.

    Raises:
        ExporterUnreachable
    """
    return b"".join(_blocks(url, "/metrics.json"))


def parse_report(url: str, body: bytes) -> dict[str, Any]:
    """Return the report.

    Raises:
        ExporterUnreachable: the body is not a report.
    """
    try:
        report = json.loads(body)
    except ValueError:
        report = None
    if not isinstance(report, dict) or "counters" not in report:
        raise ExporterUnreachable(f"the server at {shown(url)} is not a cr-exporter")
    if "proxy" not in report:
        raise _older(url)
    return report


def get(url: str, path: str, parameters: Parameters = ()) -> Row:
    """Return what the API has at the path.

    Raises:
        ExporterUnreachable, NotKept, Refused
    """
    try:
        found = json.loads(b"".join(_blocks(url, API + path, parameters)))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ExporterUnreachable(f"the server at {shown(url)} is not a cr-exporter")
    return found


def get_lines(url: str, path: str, parameters: Parameters = ()) -> Iterator[bytes]:
    """Yield the lines that the API has at the path, with their ends, as they arrive.

    Raises:
        ExporterUnreachable, Refused
    """
    rest = b""
    for block in _blocks(url, API + path, parameters):
        *whole, rest = (rest + block).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest


def rows(url: str, parameters: Parameters = ()) -> Iterator[Row]:
    """Yield all requests that match.

    Raises:
        ExporterUnreachable, Refused
    """
    for line in get_lines(url, "/requests", (*parameters, ("format", "jsonl"))):
        yield json.loads(line)


def shown(url: str) -> str:
    """Return the URL without credentials."""
    return without_credentials(urlsplit(url))


def without_credentials(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _blocks(url: str, path: str, parameters: Parameters = ()) -> Iterator[bytes]:
    query = urlencode(list(parameters))
    parts = urlsplit(url)
    request = Request(
        f"{without_credentials(parts)}{path}{'?' if query else ''}{query}", headers=_authorization(parts)
    )
    try:
        with _open(request, timeout=TIMEOUT_S) as response:
            while block := response.read(READ_BYTES):
                yield block
    except HTTPError as error:
        with error:
            raise _failure(url, path, error) from None
    except HTTPException as error:
        reason = f"its answer broke off: {type(error).__name__}"
        raise ExporterUnreachable(f"cannot read from {shown(url)} ({reason})") from None
    except (URLError, OSError) as error:
        cause = getattr(error, "reason", error)
        reason = getattr(cause, "strerror", None) or str(cause)
        raise ExporterUnreachable(f"cannot reach {shown(url)} ({reason}); {START}") from None


def _failure(url: str, path: str, error: HTTPError) -> Exception:
    body = _body(error)
    said = _said_by_the_api(body) if path.startswith(API) else None
    if path.startswith(API) and error.code == 404:
        return _older(url) if said is None else NotKept(said)
    if said is not None and error.code == 400:
        return Refused(said)
    reason = said or body[:200].decode(errors="replace").strip().partition("\n")[0]
    if error.code == 401:
        reason = "it requires a name and a password: https://name:password@host"
    return ExporterUnreachable(f"{shown(url)} returned HTTP {error.code}: {reason}")


def _body(error: IO[bytes]) -> bytes:
    try:
        return error.read(ERROR_BYTES_MAX)
    except (OSError, HTTPException):
        return b""


def _said_by_the_api(body: bytes) -> str | None:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return None


def _older(url: str) -> ExporterUnreachable:
    return ExporterUnreachable(f"the exporter at {shown(url)} is older than this command")


def _authorization(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
