"""What an HTTP server grants its clients before it knows them: sizes, numbers and times."""

import resource
from contextlib import suppress
from dataclasses import dataclass

SPARE_DESCRIPTORS_MIN = 64
DESCRIPTORS_MAX = 1 << 20
"""More would not be used."""
CONNECTIONS_MAX = 20_000
"""However many descriptors there are: an idle connection takes about 10 KB."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one server, for each of its clients; `connections_max` is for all of them together."""

    idle_s: float
    """How long a connection stays open without a request."""
    half_s: float
    """How long the head of a request may take, and each `half_s * body_bytes_per_s_min` bytes of its body."""
    unread_s: float
    """How long a client may read nothing of its answer."""
    descriptors_per_connection: int
    """Files that are open for one connection, itself included."""
    head_bytes_max: int = 32 * 1024
    fields_max: int = 100
    url_bytes_max: int = 8 * 1024
    pipelined_max: int = 16
    """Requests of one connection that are not answered yet."""
    body_bytes_per_s_min: int = 500

    def connections_max(self) -> int:
        """Return how many connections this process accepts: as many as its descriptors are enough for."""
        enough_for = (_descriptors() - spare_descriptors()) // self.descriptors_per_connection
        return max(1, min(CONNECTIONS_MAX, enough_for))


def spare_descriptors() -> int:
    """Return how many descriptors are kept for files, and for connections that get a 503."""
    return max(SPARE_DESCRIPTORS_MIN, _descriptors() // 10)


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open files to the hard one, where the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS refuses "unlimited"
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return DESCRIPTORS_MAX if soft == resource.RLIM_INFINITY else min(soft, DESCRIPTORS_MAX)
