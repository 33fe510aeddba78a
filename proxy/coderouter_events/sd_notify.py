"""Report service status to systemd by sd_notify(3); does nothing when systemd did not start the process."""

import logging
import os
import socket
import time
from collections.abc import Callable

Notify = Callable[..., None]
"""Takes assignments such as `READY=1`, all of which hold at once."""

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"

log = logging.getLogger(__name__)


def notify(*assignments: str) -> None:
    """Send the assignments to the socket that `NOTIFY_SOCKET` names; never waits and never raises an OSError."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address  # the abstract name space
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.connect(name)
            sock.send("\n".join(assignments).encode())
    except OSError as error:
        log.warning("cannot notify systemd of %s (%s)", " ".join(assignments), error)


def status(sentence: str) -> str:
    """Return the assignment that `systemctl status` shows."""
    return f"STATUS={' '.join(sentence.split())}"


def reloading() -> tuple[str, str]:
    """Return what begins a reload; `READY` ends it."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def extended(seconds: float) -> str:
    """Return what asks for this much time, if it is more than systemd would wait."""
    return f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}"


def watchdog_s() -> float | None:
    """Return after how long without `ALIVE` systemd ends this process; None when it does not watch it."""
    told = os.environ.get("WATCHDOG_USEC", "")
    watched = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not told.isdecimal() or int(told) == 0 or watched != str(os.getpid()):
        return None
    return int(told) / 1e6
