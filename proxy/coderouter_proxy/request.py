"""One client request, decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coderouter_events.events import Ingress
from coderouter_proxy.errors import NotKept

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """`body` is what the client sent, and is never modified; `raw` is its text; `headers` has lower-case names.

    `shows_thinking`: the client requested thinking, although the `body` for a provider that cannot think does not.
    `shaped` is the body in the shape of the wires that have `messages`, for a wire that has none. Where a client may
    refer to earlier answers, they are in their place in `body`, and `given` is what the client sent. `missed` is the
    error for what is not kept here; only a provider that speaks the same wire may have it.
    """

    request_id: str
    ingress: Ingress
    body: Body
    raw: bytes
    headers: Mapping[bytes, bytes]
    stream: bool
    shows_thinking: bool = False
    shaped: Body | None = None
    given: Body | None = None
    missed: NotKept | None = None

    @property
    def outline(self) -> Body:
        """What routing looks at, on any wire: `model`, `system`, `messages`, `tools` and `thinking`."""
        return self.body if self.shaped is None else self.shaped
