"""The provider side of a wire: where requests go, what they contain, what answers report."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.answer import Usage
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, ClientRequest
from coderouter_proxy.wires import fitting, lenient_json, returned_state, state
from coderouter_proxy.wires.answer_writer import AnswerWriter
from coderouter_proxy.wires.client import Drop
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.conversation import Conversation
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.losses import Vocabulary, losses

__all__ = ["Drop", "ProviderWire", "by_hand", "conversation_for", "directive", "own_fields"]


class ProviderWire(ABC):
    """One wire towards providers; it has no state of its own."""

    ingress: Ingress  # of clients that speak the same wire
    forwarded_response_headers: tuple[str, ...]  # prefixes of names; clients of the same wire get these
    end_event: bytes  # ends a stream if the provider did not

    vendor_host: str  # of the API that the wire is named after
    requires_max_tokens: bool  # in every request
    thinks_on_request: bool  # `thinking` in a request turns it on

    @abstractmethod
    def url(self, provider: Provider) -> str: ...

    def is_vendors_own(self, provider: Provider) -> bool:
        """Return whether the provider is the vendor's own API, which accepts everything in its reference."""
        return urlsplit(provider.base_url).hostname == self.vendor_host

    def repairs_text_calls(self, provider: Provider) -> bool:
        """Return whether tool calls that its models write as text become real ones, whatever the client's wire."""
        del provider
        return True

    @abstractmethod
    def models_url(self, provider: Provider) -> str:
        """Return the URL of the provider's list of models; fetching it costs no tokens."""

    def count_tokens_url(self, provider: Provider) -> str | None:
        """Return the URL that counts the tokens of a request, if the wire has one."""
        del provider
        return None

    @abstractmethod
    def headers(self, key: str) -> dict[str, str]:
        """Return the headers of every request; the key may be empty."""

    def forwarded_request_headers(self, request: ClientRequest) -> Mapping[str, str]:
        """Return the client's headers that go to a provider."""
        del request
        return {}

    @abstractmethod
    def request(
        self,
        request: ClientRequest,
        provider: Provider,
        profile: Profile,
        traits: ProviderTraits,
        drop: Drop,
    ) -> Body:
        """Return the body for the provider; `drop` gets the name of each thing that could not be carried over."""

    def degraded_retry(self, body: Body, error: ProviderError, drop: Drop) -> Body | None:
        """Return what to send instead of a body that was rejected, if there is a better one."""
        del body, error, drop
        return None

    @abstractmethod
    def is_plain(self, event: bytes, chunk: Body) -> bool:
        """Return whether the event, which holds this chunk, is framed as usual and adds only content to an answer.

        There is nothing in such an event that the proxy must know.
        """

    def is_plain_whole(self, answer: Body) -> bool:
        """Return whether a whole answer is on spec and holds only a text: no edit but those of texts changes it."""
        del answer
        return False

    @abstractmethod
    def delta(self, chunk: Body) -> Body:
        """Return what a plain chunk adds."""

    @abstractmethod
    def is_framed(self, event: bytes, chunk: Body) -> bool:
        """Return whether clients read the chunk from this event as it is."""

    @abstractmethod
    def is_end(self, data: bytes) -> bool:
        """Return whether the event with this data is the last one."""

    def ends(self, chunk: Body) -> bool:
        """Return whether the chunk, which is one of the answer, is the last event of its stream."""
        del chunk
        return False

    def is_ping(self, chunk: Body) -> bool:
        """Return whether the chunk only keeps the connection alive."""
        return chunk.get("type") == "ping"

    @abstractmethod
    def raise_for_error(self, decoded: object) -> None:
        """Raise the ProviderError that the provider reports in an event, or instead of an answer."""

    @abstractmethod
    def names_stop(self, chunk: Body) -> bool:
        """Return whether the server says with each piece of content whether the model has stopped."""

    @abstractmethod
    def settled(self, chunk: Body) -> list[Body]:
        """Return the chunk without an empty stop reason; for a whole answer, the chunks of its stream."""

    def collected(self, chunks: list[Body], usage: Usage) -> Body:
        """Return the whole answer that these chunks of a stream amount to."""
        reader = self.reader()
        deltas = [delta for chunk in chunks for delta in reader.read(chunk)]
        deltas += reader.end()
        whole: Body = orjson.loads(self.writer_like(chunks).whole(deltas, reader.stop, usage))
        return whole

    @abstractmethod
    def writer_like(self, chunks: list[Body]) -> AnswerWriter:
        """Return a writer of answers with the id and the model that the chunks have."""

    @abstractmethod
    def saying(self, text: str, model: str) -> Body:
        """Return the whole answer of a model that wrote this text."""

    @abstractmethod
    def validate(self, decoded: Body) -> None:
        """Raise a ProviderError unless this is a complete answer."""

    @abstractmethod
    def has_content(self, chunk: Body) -> bool: ...

    @abstractmethod
    def usage(self, chunk: Body, before: Usage) -> Usage:
        """Return the usage, updated with what the chunk or a complete answer reports."""

    @abstractmethod
    def stop_reason(self, chunk: Body) -> str | None:
        """Return why the model stopped, if the chunk or a complete answer says so."""

    @abstractmethod
    def event(self, chunk: Body) -> bytes:
        """Return the chunk as an event of a stream."""

    @abstractmethod
    def reader(self) -> Reader: ...

    def decoded(self, data: bytes) -> Body:
        """Return the JSON object in an answer or an event.

        Raises:
            ProviderError: it is not a JSON object, or it is the provider's error.
        """
        decoded, exact = self.read(data)
        return decoded if exact else lenient_json.whole(decoded)

    def read(self, data: bytes) -> tuple[Body, bool]:
        """Return the JSON object in an answer or an event, and whether every parser reads it.

        Otherwise its texts may hold halves of characters.

        Raises:
            ProviderError: it is not a JSON object, or it is the provider's error.
        """
        if not data.strip():
            raise ProviderError("empty", "the answer is empty")
        decoded: object
        try:
            decoded, exact = lenient_json.loads(data)
        except ValueError:
            decoded, exact = None, False
        self.raise_for_error(decoded)
        if not isinstance(decoded, dict):
            # It may be part of a completion, which events must not quote.
            raise ProviderError(
                "protocol", f"not the {self.ingress} wire: {len(data)} bytes that are not a JSON object"
            )
        return decoded, exact


def directive(provider: Provider, profile: Profile) -> str | None:
    """Return the text to append to the system message; a profile's text replaces the provider's."""
    return (
        provider.append_system_prompt
        if profile.append_system_prompt is None
        else profile.append_system_prompt
    )


def conversation_for(
    request: ClientRequest,
    provider: Provider,
    traits: ProviderTraits,
    drop: Drop,
    vocabulary: Vocabulary,
    *,
    own_api: bool,
    returns_reasoning: bool,
) -> tuple[Conversation, str | None]:
    """Return the request of a client of another wire, with the state that goes back to this provider, and its effort.

    There is no effort where the provider takes none. `drop` gets the names of what the vocabulary cannot express.
    """
    given = CLIENT_WIRES[request.ingress].conversation(request.body, drop)
    origin = state.origin_of(provider)
    conversation = returned_state.for_provider(given, origin, returns_reasoning=returns_reasoning)
    effort = conversation.effort if fitting.takes_effort(traits, own_api=own_api) else None
    for name in losses(conversation, vocabulary, takes_effort=effort is not None):
        drop(name)
    return conversation, effort


def own_fields(provider: Provider, request: ClientRequest, theirs: Body) -> Body:
    """Return the client's fields over `extra_body`, and the provider's own model over both."""
    body: Body = {**provider.extra_body, **theirs, "model": provider.model or request.body.get("model")}
    body.pop("profile", None)
    return body


def by_hand(body: Body, provider: Provider, drop: Drop) -> Body:
    """Return the body with the provider's `set_params` over it and without its `drop_params`."""
    if provider.set_params:
        body = {**body, **provider.set_params}
    return fitting.without_fields(body, provider.drop_params, drop) if provider.drop_params else body
