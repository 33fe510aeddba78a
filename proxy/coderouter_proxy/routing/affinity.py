"""With which provider a conversation stays: the one that answered it, although an earlier one answers again.

Prompt caches of providers are worth more than their order. A conversation is noted once a provider other than its first
one has answered it, or one of a group. Its first one is that of the chain for what the request needs, so that a request
with other needs, such as a search of the web, does not move the others.
"""

import struct
import time
from collections.abc import Callable
from hashlib import blake2b
from typing import NamedTuple

from coderouter_proxy.config.chains import STAY_MINUTES_MAX
from coderouter_proxy.routing.groups import Chain
from coderouter_proxy.routing.worker_memory import WorkerMemory
from coderouter_proxy.shared_memory.rings import END, NAME_BYTES, KnownRing, Ring

MINUTE_S = 60.0
NOTED_EVERY_S = 0.1
REMEMBERED_MAX = 4096
"""Conversations that are not looked up again while nobody notes any."""

_CONTENT = struct.Struct("@d8s")  # when the conversation moved, and a digest of the provider's name
_LONG_AGO = float("-inf")


Conversation = tuple[bytes, int, bytes]
"""The digest of a chain, the link of it that the conversation begins at, and the digest of the conversation."""


class _Note(NamedTuple):
    """A record of a conversation, and where it is."""

    ring: Ring
    at: int
    moved_at: float
    provider: bytes


class Affinity:
    """Notes of conversations, which all workers read; each writes its own."""

    def __init__(self, memory: WorkerMemory, clock: Callable[[], float] = time.monotonic) -> None:
        self._known = [KnownRing(ring) for ring in memory.rings]
        self._own = memory.rings[memory.own]
        self._newest: dict[Conversation, _Note | None] = {}
        """What was found since anybody has noted anything."""
        self.clock = clock

    def newest(self, conversation: Conversation) -> _Note | None:
        for known in self._known:
            if known.ring.positions[END] != known.read_to:
                known.catch_up()
                self._newest.clear()
        try:
            return self._newest[conversation]
        except KeyError:
            return self._looked_up(conversation)

    def _looked_up(self, conversation: Conversation) -> _Note | None:
        name = _name(conversation)
        found = [note for known in self._known if (note := _read(known, name)) is not None]
        if len(self._newest) >= REMEMBERED_MAX:
            self._newest.clear()
        newest = self._newest[conversation] = max(found, key=lambda note: note.moved_at, default=None)
        return newest

    def note(self, conversation: Conversation, provider: bytes, moved_at: float) -> None:
        self._own.append(_name(conversation), _CONTENT.pack(moved_at, provider), self.clock())


class Stay:
    """The stay of one conversation, as one of its requests finds it. `provider` is where it is; None without any."""

    __slots__ = ("_affinity", "_conversation", "_first", "_note", "_noted_at", "chain", "provider")

    def __init__(
        self, affinity: Affinity, chain: Chain, conversation: bytes, first: str, minutes: float
    ) -> None:
        """Look for the conversation; `first` is the provider that the chain has for it."""
        self._affinity = affinity
        self.chain = chain
        self._first = chain.links[first]
        self._conversation = (chain.digest, self._first, conversation)
        self._noted_at = _LONG_AGO
        self._note = note = affinity.newest(self._conversation)
        self.provider = None if note is None else self._found(note, minutes)

    def answered(self, name: str) -> None:
        """Note that this provider answers the conversation."""
        if name == self.provider:
            return
        self.provider = name
        link = self.chain.links[name]
        if link == self._first and link not in self.chain.groups:
            self.provider = None
            if self._note is not None:
                self._note.ring.mark(self._note.at, _LONG_AGO)
        else:
            self._noted_at = self._affinity.clock()
            self._affinity.note(self._conversation, self.chain.digests[name], self._noted_at)

    def ended(self) -> None:
        """Note that the answer has ended, or as much of it as the client wanted: its minutes count from here."""
        if self.provider is None or (now := self._affinity.clock()) < self._noted_at + NOTED_EVERY_S:
            return
        note = self._affinity.newest(self._conversation)
        if note is None or note.provider != self.chain.digests[self.provider]:
            return
        if not note.ring.use(note.at, now):  # it is overwritten soon
            self._affinity.note(self._conversation, note.provider, note.moved_at)

    def _found(self, note: _Note, minutes: float) -> str | None:
        name, answered_at = self.chain.by_digest.get(note.provider), note.ring.used_at(note.at)
        if name is None or answered_at is None:
            return None
        self._noted_at, now = answered_at, self._affinity.clock()
        if now > answered_at + minutes * MINUTE_S:
            return None
        # An equal of the first one is as good: there is nothing to return to.
        moved = self.chain.links[name] != self._first
        return None if moved and now > note.moved_at + STAY_MINUTES_MAX * MINUTE_S else name


def _read(known: KnownRing, name: str) -> _Note | None:
    at = known.places.get(name)
    found = None if at is None else known.ring.content(at)
    return None if at is None or found is None else _Note(known.ring, at, *_CONTENT.unpack(found[0]))


def _name(conversation: Conversation) -> str:
    """Return what records of the conversation are named."""
    return blake2b(b"%b %d %b" % conversation, digest_size=NAME_BYTES // 2).hexdigest()
