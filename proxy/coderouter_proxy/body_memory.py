"""How much memory request bodies may take: part of what the machine has, or the container, or the systemd unit."""

import os
from collections.abc import Iterator
from pathlib import Path

from coderouter_http.protocol.refusals import Refusal, Refusals
from coderouter_proxy.errors import HttpError

PART = 4
"""Bodies may take the memory divided by this."""
COPIES = 4
"""The copies of a body in memory: as received, decoded, as sent, and one more while it is converted."""
MIB = 1024 * 1024
BYTES_MAX = 192 * MIB
"""The most, however much memory there is: enough for a hundred requests of a long session."""
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


class BodyMemory:
    """The bodies that one process holds, in bytes."""

    def __init__(self, refusals: Refusals | None = None, *, workers: int = 1) -> None:
        self._refusals = refusals
        self._workers = workers
        self._default_bytes_max = min(BYTES_MAX, _memory_bytes() // PART // COPIES)
        self.held = 0

    def take(self, size: int, mib_max: int | None = None) -> None:
        """Count the bytes as held, within this worker's share of the limit; a first body is always taken.

        Raises:
            HttpError: there is no room; nothing is counted.
        """
        bytes_max = (self._default_bytes_max if mib_max is None else mib_max * MIB) // self._workers
        if self.held and self.held + size > bytes_max:
            message = f"the bodies of other requests fill the {bytes_max // MIB} MiB reserved for bodies"
            if self._refusals is not None:
                self._refusals.add(Refusal(reason="bodies", status=503, message=message))
            raise HttpError(503, f"{message}; ask again", code="out_of_memory", retry_after="1")
        self.held += size

    def release(self, size: int) -> None:
        self.held -= size


def _memory_bytes() -> int:
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([physical, *cgroup_limits(OWN_CGROUPS, CGROUPS)])


def cgroup_limits(own: Path, mounted: Path) -> Iterator[int]:
    """Yield the memory limits of the cgroups that this process is in, of version 1 and 2.

    `own` is /proc/self/cgroup: lines of `number:controllers:path`.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            folder, name = mounted, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = mounted / "memory", "memory.limit_in_bytes"
        else:
            continue
        inner = Path(path.lstrip("/"))
        for group in (inner, *inner.parents):
            try:
                text = (folder / group / name).read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                continue
            if text.isdecimal():  # not "max"
                yield int(text)
