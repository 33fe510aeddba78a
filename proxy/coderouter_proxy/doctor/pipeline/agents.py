"""Check whether the agents on this machine use this proxy, and with the right base URL."""

from urllib.parse import urlsplit

from coderouter_http import hosts
from coderouter_proxy.agents import found
from coderouter_proxy.agents.found import Pointer
from coderouter_proxy.agents.table import BY_KEY, RESPONSES
from coderouter_proxy.doctor.result import Result, Verdict

SUBJECT = "agents"


def check(proxy_url: str) -> list[Result]:
    pointers = found.pointers()
    if not pointers:
        message = "no settings of Claude Code, codex or opencode on this machine"
        return [_result("settings", Verdict.SKIP, message, "coderouter env lists agents with their settings")]
    return [_check_one(pointer, proxy_url) for pointer in pointers]


def _check_one(pointer: Pointer, proxy_url: str) -> Result:
    name = BY_KEY[pointer.agent].name
    fix = f"coderouter env {pointer.agent}"
    if pointer.url is None:
        message = f"{pointer.place} names no other base URL, so it uses its vendor's API"
        return _result(name, Verdict.SKIP, message, f"to connect it: {fix}")
    right = proxy_url.rstrip("/") + pointer.suffix
    says = f"{pointer.place} points to {_without_password(pointer.url)}"
    served = (
        (right, proxy_url) if BY_KEY[pointer.agent].path == RESPONSES else (right,)
    )  # with or without /v1
    if _parts(pointer.url) in map(_parts, served):
        return _result(name, Verdict.OK, says)
    if not hosts.is_loopback(urlsplit(pointer.url).hostname or ""):
        return _result(name, Verdict.SKIP, f"{says}, not to this proxy", f"to connect it: {fix}")
    return _result(
        name, Verdict.NEEDS_TUNING, f"{says}, but the proxy is at {right}", f"{right}, as in: {fix}"
    )


def _parts(url: str) -> tuple[str, str, int | None, str]:
    """Return scheme, host, port and path, with one name for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme, "" if hosts.is_loopback(host) else host, port, parts.path.rstrip("/")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _result(check: str, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check=check, verdict=verdict, message=message, remedy=remedy)
