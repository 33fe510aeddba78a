"""Report service status to systemd by sd_notify(3); does nothing unless systemd started the process."""

import logging
import os
import socket
import time
from collections.abc import Callable

from coderouter_events.reasons import reason_of

Notify = Callable[..., None]
"""Takes assignments such as `READY=1` and sends them as one message."""

READY = "READY=1"
STOPPING = "STOPPING=1"
ALIVE = "WATCHDOG=1"

log = logging.getLogger(__name__)


def notify(*assignments: str) -> None:
    """Send the assignments to the socket in `NOTIFY_SOCKET`; never blocks and never raises an OSError."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = f"\0{address[1:]}" if address.startswith("@") else address  # the abstract namespace
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0)
            sock.connect(name)
            sock.send("\n".join(assignments).encode())
    except OSError as error:
        log.warning("cannot notify systemd of %s (%s)", " ".join(assignments), reason_of(error))


def status(sentence: str) -> str:
    """Return the assignment for the line that `systemctl status` shows."""
    return f"STATUS={' '.join(sentence.split())}"


def reloading() -> tuple[str, str]:
    """Return the assignments that start a reload; `READY` ends it."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def extend_timeout(seconds: float) -> str:
    """Return the assignment that makes systemd wait at least this long."""
    return f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}"


def watchdog_s() -> float | None:
    """Return after how long without `ALIVE` systemd kills this process; None if it does not watch it."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    watched_pid = os.environ.get("WATCHDOG_PID") or str(os.getpid())
    if not usec.isdecimal() or int(usec) == 0 or watched_pid != str(os.getpid()):
        return None
    return int(usec) / 1e6
