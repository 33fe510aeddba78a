"""How a provider's wire is spoken: where requests go, what is in them, what its answers say."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import orjson

from coderouter_events.events import Ingress
from coderouter_proxy import errors
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, Call
from coderouter_proxy.wires.deltas import Reader

Drop = Callable[[str], object]


class ProviderWire(ABC):
    """One wire towards providers; it has no state of its own."""

    ingress: Ingress
    passed_on: tuple[str, ...]  # beginnings of header names that a client of the same wire gets to see
    end: bytes  # what ends a stream where the provider forgot to

    @abstractmethod
    def url(self, provider: Provider) -> str: ...

    @abstractmethod
    def models_url(self, provider: Provider) -> str:
        """Return where the provider lists its models, which costs no token."""

    @abstractmethod
    def headers(self, key: str) -> dict[str, str]:
        """Return the headers of every request; the key may be empty."""

    def headers_of(self, call: Call) -> Mapping[str, str]:
        """Return what of a client's headers goes to a provider."""
        del call
        return {}

    @abstractmethod
    def request(self, call: Call, provider: Provider, profile: Profile, drop: Drop) -> Body:
        """Return what the provider is sent; `drop` is told what of the call could not be carried over."""

    def second_request(self, body: Body, failure: ProviderError, drop: Drop) -> Body | None:
        """Return what to send instead of a request that failed, where there is a better one."""
        del body, failure, drop
        return None

    @abstractmethod
    def tells(self, whole: bytes) -> bool:
        """Return whether there is anything to read in these events, besides what the client gets anyway."""

    @abstractmethod
    def ends(self, data: bytes) -> bool:
        """Return whether the event with this data is the last one."""

    @abstractmethod
    def check(self, decoded: Body) -> None:
        """Raise the ProviderError that the provider reports in an event, or instead of an answer."""

    @abstractmethod
    def check_whole(self, decoded: Body) -> None:
        """Raise a ProviderError unless this is a whole answer."""

    @abstractmethod
    def has_content(self, chunk: Body) -> bool: ...

    @abstractmethod
    def note(self, answer: Answer, chunk: Body) -> None:
        """Put usage and stop reason into the answer, where the chunk tells them."""

    @abstractmethod
    def reader(self) -> Reader: ...

    def decoded(self, data: bytes) -> Body:
        """Return the JSON object that an answer or an event holds.

        Raises:
            ProviderError: it is none, or it is the provider's error.
        """
        if not data.strip():
            raise ProviderError("empty", "the answer is empty")
        try:
            decoded = orjson.loads(data)
        except orjson.JSONDecodeError:
            decoded = None
        if not isinstance(decoded, dict):
            # It may be a part of a completion, which no event may quote.
            raise ProviderError(
                "protocol", f"not the {self.ingress} wire: {len(data)} bytes that are no JSON object"
            )
        self.check(decoded)
        return decoded


def reported(status: int, decoded: Body) -> ProviderError:
    """Return the failure for an error inside a 200: the provider's fault, whatever it says."""
    failure = errors.by_status(status, errors.message_in(decoded))
    failure.retryable = True
    return failure


def directive(provider: Provider, profile: Profile) -> str | None:
    """Return what is put at the end of the system message; a profile's own word replaces the provider's."""
    return (
        provider.append_system_prompt
        if profile.append_system_prompt is None
        else profile.append_system_prompt
    )
