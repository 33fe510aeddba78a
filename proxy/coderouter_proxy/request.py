"""One client request, decoded."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.errors import NotKept

Body = dict[str, Any]

MODEL_CHARS_MAX = 128  # of a name in events


class Session(NamedTuple):
    """The session of a request, by ids of its client: `id` is the whole session, `conversation` one part of it.

    A subagent has a conversation of its own. `source` is where the client names it.
    """

    source: str
    id: bytes
    conversation: bytes


class ClientRequest(NamedTuple):
    """`body` is what the client sent, and is never modified; `raw` is its text; `headers` has lower-case names.

    `shows_thinking`: the client requested thinking, although the `body` for a provider that cannot think does not.
    `shaped` is the body in the shape of the wires that have `messages`, for a wire that has none. Where a client may
    refer to earlier answers, they are in their place in `body`, and `given` is what the client sent. `missed` is the
    error for what is not kept here; only a provider that speaks the same wire may have it. With `only_texts` no
    message has parts, and so none has an image or a document.
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
    session: Session | None = None
    only_texts: bool = False

    @property
    def outline(self) -> Body:
        """What routing looks at, on any wire: `model`, `system`, `messages`, `tools` and `thinking`."""
        return self.body if self.shaped is None else self.shaped

    @property
    def requested_model(self) -> str | None:
        """The model that the client named, cut at `MODEL_CHARS_MAX`."""
        model = self.body.get("model")
        return model[:MODEL_CHARS_MAX] if isinstance(model, str) else None

    @property
    def has_tools(self) -> bool:
        # `functions` is the older name of `tools`; some agents still use it.
        return bool(self.outline.get("tools") or self.outline.get("functions"))
