"""With which provider a conversation stays: the one that answered it, although an earlier one answers again.

Prompt caches of providers are worth more than their order. A conversation is noted once a provider other than its first
one has answered it, or one of a group. Its first one is that of the chain for what the request needs, so that a request
with other needs, such as a search of the web, does not move the others.
"""

import struct
import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from coderouter_proxy.config.chains import STAY_MINUTES_MAX
from coderouter_proxy.routing.groups import Chain
from coderouter_proxy.routing.worker_memory import WorkerMemory
from coderouter_proxy.shared_memory.rings import END, NAME_BYTES, KnownRing, Ring

MINUTE_S = 60.0
NOTED_EVERY_S = 0.1

_CONTENT = struct.Struct("@d8s")  # when the conversation moved, and a digest of the provider's name
_LONG_AGO = float("-inf")


class _Note(NamedTuple):
    """A record of a conversation, and where it is."""

    ring: Ring
    at: int
    moved_at: float
    provider: bytes
    answered_at: float


class _KnownNotes(KnownRing):
    """A ring of notes, and by position what those that were read hold, which does not change."""

    def __init__(self, ring: Ring) -> None:
        super().__init__(ring)
        self._read: dict[int, tuple[float, bytes]] = {}

    def note(self, key: str) -> _Note | None:
        """Return the newest note of the conversation; None without one that can still be read."""
        self.catch_up()
        ring = self.ring
        at = self.places.get(key)
        if at is None or (known := self._read.get(at) or self._content(at)) is None:
            return None
        answered_at = ring.used_at(at)
        return None if answered_at is None else _Note(ring, at, *known, answered_at)

    def _content(self, at: int) -> tuple[float, bytes] | None:
        found = self.ring.content(at)
        if found is None:
            return None
        if len(self._read) > 2 * len(self.places):
            self._read = {place: self._read[place] for place in self.places.values() if place in self._read}
        known = self._read[at] = _CONTENT.unpack(found[0])
        return known


class Affinity:
    """Notes of conversations, which all workers read; each writes its own."""

    def __init__(self, memory: WorkerMemory, clock: Callable[[], float] = time.monotonic) -> None:
        self._known = [_KnownNotes(ring) for ring in memory.rings]
        self._own = memory.rings[memory.own]
        self.has_notes = False
        """Whether any conversation was noted, when that was last looked at; none is forgotten."""
        self.clock = clock

    def finds_notes(self) -> bool:
        """Return whether any conversation was noted: while all are answered by their first provider, none is."""
        self.has_notes = any(known.ring.positions[END] for known in self._known)
        return self.has_notes

    def newest(self, key: str) -> _Note | None:
        newest: _Note | None = None
        for known in self._known:
            note = known.note(key)
            if note is not None and (newest is None or note.moved_at > newest.moved_at):
                newest = note
        return newest

    def note(self, key: str, provider: bytes, moved_at: float) -> None:
        self._own.append(key, _CONTENT.pack(moved_at, provider), self.clock())


class Stay:
    """The stay of one conversation, as one of its requests finds it. `provider` is where it is; None without any."""

    __slots__ = (
        "_affinity",
        "_chain",
        "_conversation",
        "_first",
        "_known_key",
        "_minutes",
        "_note",
        "_noted_at",
        "provider",
    )

    def __init__(
        self, affinity: Affinity, chain: Chain, conversation: bytes, first: str, minutes: float
    ) -> None:
        """Look for the conversation; `first` is the provider that the chain has for it."""
        self._affinity = affinity
        self._chain = chain
        self._minutes = minutes
        self._conversation = conversation
        self._first = chain.links[first]
        self._known_key = ""
        self._noted_at = _LONG_AGO
        self._note = affinity.newest(self._key) if affinity.has_notes or affinity.finds_notes() else None
        self.provider: str | None = None
        if self._note is not None:
            self._noted_at = self._note.answered_at
            self.provider = self._found(self._note, affinity.clock())

    @property
    def _key(self) -> str:
        """The name of the conversation in notes, made once it is needed."""
        if not self._known_key:
            self._known_key = _key(self._chain.digest, self._first, self._conversation)
        return self._known_key

    def answered(self, name: str) -> None:
        """Note that this provider answers the conversation."""
        before, self.provider = self.provider, name
        link = self._chain.links[name]
        if link == self._first and link not in self._chain.groups:
            self.provider = None
            if self._note is not None:
                self._note.ring.mark(self._note.at, _LONG_AGO)
        elif name != before:
            self._noted_at = self._affinity.clock()
            self._affinity.note(self._key, self._chain.digests[name], self._noted_at)

    def ended(self) -> None:
        """Note that the answer has ended, or as much of it as the client wanted: its minutes count from here."""
        now = self._affinity.clock()
        if self.provider is None or now < self._noted_at + NOTED_EVERY_S:
            return
        note = self._affinity.newest(self._key)
        if note is None or note.provider != self._chain.digests[self.provider]:
            return
        if not note.ring.use(note.at, now):  # it is overwritten soon
            self._affinity.note(self._key, note.provider, note.moved_at)

    def _found(self, note: _Note, now: float) -> str | None:
        name = self._chain.by_digest.get(note.provider)
        if name is None or now > note.answered_at + self._minutes * MINUTE_S:
            return None
        # An equal of the first one is as good: there is nothing to return to.
        moved = self._chain.links[name] != self._first
        return None if moved and now > note.moved_at + STAY_MINUTES_MAX * MINUTE_S else name


@lru_cache(maxsize=1024)
def _key(chain: bytes, first: int, conversation: bytes) -> str:
    return blake2b(b"%b %d %b" % (chain, first, conversation), digest_size=NAME_BYTES // 2).hexdigest()
