"""The newest responses of all workers of a proxy, in memory that they share.

It is never on disk.
"""

import hashlib
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.shared_memory.rings import NAME_BYTES, KnownRing, Ring
from coderouter_proxy.shared_memory.unnamed import UnnamedMemory
from coderouter_proxy.wires.responses.memory import (
    AGE_S_MAX,
    BYTES_MAX,
    RESPONSES_MAX,
    Kept,
    Memory,
    locked,
)

_LENGTHS = struct.Struct("@III")  # of the previous id, the origin and the request; what follows is the end
_PREFIX = "resp_"
_ITEM = "item "  # in the names of records that hold the id of the response with this item
_OWN_ID_CHARS = 24  # of a response that is written here, without the prefix
_PAGE = 4096
_LONG_AGO = float("-inf")


class SharedMemory(Memory):
    """Pickled to a worker, which then says which ring is its own."""

    def __init__(self, memory: UnnamedMemory, clock: Callable[[], float] = time.monotonic) -> None:
        """Use the memory, as `for_workers` made it."""
        super().__init__()
        self._memory = memory
        self._clock = clock
        records = RESPONSES_MAX // len(memory.parts)
        self._known = [KnownRing(Ring(part, records)) for part in memory.parts]
        self._own = self._known[0].ring

    def __reduce__(self) -> tuple[Any, ...]:
        return SharedMemory, (self._memory,)

    def write_to(self, number: int) -> None:
        """Write to this ring from now on; no other process does."""
        self._own = self._known[number].ring

    @locked
    def keep(
        self,
        response_id: str,
        previous_id: str | None,
        request: bytes,
        ended: bytes,
        output: Iterable[Body],
        made_by: str = "",
    ) -> None:
        previous, origin = (previous_id or "").encode(), made_by.encode()
        lengths = _LENGTHS.pack(len(previous), len(origin), len(request))
        content = b"".join((lengths, previous, origin, request, ended))
        self._own.append(_name(response_id), content, self._clock())
        if made_by:  # its items do not have its id in theirs
            for item in output:
                self._own.append(_name(_ITEM + item["id"]), response_id.encode(), self._clock())

    @locked
    def response(self, response_id: str) -> Kept | None:
        content = self._content(response_id)
        if content is None:
            return None
        previous_length, origin_length, request_length = _LENGTHS.unpack_from(content)
        origin_at = _LENGTHS.size + previous_length
        request_at = origin_at + origin_length
        ended_at = request_at + request_length
        return Kept(
            previous_id=content[_LENGTHS.size : origin_at].decode() or None,
            request=content[request_at:ended_at],
            ended=content[ended_at:],
            item_ids=(),
            used_at=self._clock(),
            made_by=content[origin_at:request_at].decode(),
        )

    @locked
    def with_item(self, item_id: str) -> Kept | None:
        """Return the response whose id is in that of the item, or was kept under it."""
        own = self.response(_PREFIX + item_id.partition("_")[2][:_OWN_ID_CHARS])
        if own is not None:
            return own
        response_id = self._content(_ITEM + item_id)
        return self.response(response_id.decode()) if response_id is not None else None

    @locked
    def delete(self, response_id: str) -> bool:
        place = self._place(response_id)
        if place is None or self.response(response_id) is None:
            return False
        ring, at = place
        ring.mark(at, _LONG_AGO)
        return True

    def _content(self, of: str) -> bytes | None:
        """Return what was kept under the id of a response or an item, which counts as used now."""
        place = self._place(of)
        if place is None:
            return None
        ring, at = place
        found = ring.content(at)
        now = self._clock()
        if found is None or found[1] < now - AGE_S_MAX:
            return None
        ring.use(at, now)
        return found[0]

    def _place(self, of: str) -> tuple[Ring, int] | None:
        name = _name(of)
        for known in self._known:
            known.catch_up()
            if (at := known.places.get(name)) is not None:
                return known.ring, at
        return None


def for_workers(workers: int) -> SharedMemory | None:
    """Return memory for so many workers; None on a system where it would be on disk."""
    if sys.platform != "linux":
        return None
    try:
        return SharedMemory(UnnamedMemory(BYTES_MAX // workers // _PAGE * _PAGE, workers))
    except OSError:
        return None


def _name(of: str) -> str:
    """Return the name of a record: ids of other servers have any length."""
    return hashlib.blake2b(of.encode(errors="replace"), digest_size=NAME_BYTES // 2).hexdigest()
