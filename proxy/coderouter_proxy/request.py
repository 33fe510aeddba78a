"""One client request, decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coderouter_events.events import Ingress

Body = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Call:
    """One client request, decoded; `body` is what the client sent and is never changed.

    `waited_s` adds up the time that tries spend on the network before their first content, or their failure.
    """

    request_id: str
    ingress: Ingress
    body: Body
    raw: bytes
    headers: Mapping[bytes, bytes]
    stream: bool
    waited_s: float = 0.0
