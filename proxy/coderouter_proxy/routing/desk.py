"""Who gives out the places at busy providers, and to whom."""

from collections.abc import Hashable, Iterable
from typing import Protocol

from coderouter_proxy.config.schema import Provider


class Queued(Hashable, Protocol):
    """A request in line at a provider, or with a place there."""

    provider: Provider
    is_given: bool

    def answered(self, *, has_place: bool) -> None:
        """Take note of whether it has a place, where that was not said at once, or has changed."""


class Desk(Protocol):
    def enter(self, request: Queued, name: str, limit: int, /) -> bool | None:
        """Take one of so many places of this name, or wait for one; None if which of them it is comes later."""

    def leave(self, request: Queued, /) -> None:
        """Free the place of this request, or wait no longer; one that has left already is ignored."""

    def set_limit(self, name: str, limit: int, /) -> None:
        """Let this limit hold for those in line, too."""

    def requests(self) -> Iterable[Queued]:
        """Return all that hold a place or wait for one."""
        ...
