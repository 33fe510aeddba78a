"""One client request, decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coderouter_events.events import Ingress

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """`body` is what the client sent, and is never modified; `raw` is its text; `headers` has lower-case names.

    `shows_thinking`: the client requested thinking, although the `body` for a provider that cannot think does not.
    """

    request_id: str
    ingress: Ingress
    body: Body
    raw: bytes
    headers: Mapping[bytes, bytes]
    stream: bool
    shows_thinking: bool = False
