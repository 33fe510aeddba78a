"""Who holds a place at each provider, and who waits for one: first in, first out."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Ticket = TypeVar("Ticket", bound=Hashable)


@dataclass(slots=True)
class _Queue(Generic[Ticket]):
    """`held` is the number of places that are given."""

    limit: int = 0
    held: int = 0
    waiting: dict[Ticket, None] = field(default_factory=dict)
    """In the order of arrival; unlike a list, one may leave from the middle at no cost."""


class Places(Generic[Ticket]):
    """The places of all providers; `admitted` is called with the ticket of each that waited and has one now."""

    def __init__(self, admitted: Callable[[Ticket], None]) -> None:
        self._admitted = admitted
        self._queues: dict[str, _Queue[Ticket]] = {}
        self._queue_of: dict[Ticket, _Queue[Ticket]] = {}

    def enter(self, ticket: Ticket, name: str, limit: int) -> bool:
        """Take one of so many places of this name and return True, or wait for one; the newest limit holds for all."""
        queue = self._queues.get(name) or self._new(name)
        queue.limit = limit
        self._queue_of[ticket] = queue
        if queue.waiting:  # for a limit that was lower
            self._admit(queue)
        if queue.held < limit:
            queue.held += 1
            return True
        queue.waiting[ticket] = None
        return False

    def leave(self, ticket: Ticket) -> None:
        """Free the place of this ticket, or wait no longer."""
        queue = self._queue_of.pop(ticket, None)
        if queue is None:
            return
        if ticket in queue.waiting:
            del queue.waiting[ticket]
        else:
            queue.held -= 1
        if queue.waiting:
            self._admit(queue)

    def set_limit(self, name: str, limit: int) -> None:
        """Let this limit hold from now on; a larger one lets those in line go on."""
        queue = self._queues.get(name)
        if queue is not None:
            queue.limit = limit
            self._admit(queue)

    def requests(self) -> Iterable[Ticket]:
        """Return all that hold a place or wait for one."""
        return self._queue_of

    def _new(self, name: str) -> _Queue[Ticket]:
        """Return a queue of this name; those that nobody uses now are forgotten, as reloads bring new names."""
        self._queues = {name: queue for name, queue in self._queues.items() if queue.held or queue.waiting}
        queue = self._queues[name] = _Queue()
        return queue

    def _admit(self, queue: _Queue[Ticket]) -> None:
        while queue.waiting and queue.held < queue.limit:
            ticket = next(iter(queue.waiting))
            del queue.waiting[ticket]
            queue.held += 1
            self._admitted(ticket)
