"""The newest responses of this process, for clients that refer to them; never on disk."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson

from coderouter_proxy.request import Body

RESPONSES_MAX = 1_000
BYTES_MAX = 64 * 1024 * 1024
AGE_S_MAX = 3_600


@dataclass(slots=True)
class Kept:
    """A response and the request that led to it, as JSON: hardly any is ever read again.

    `made_by` is the origin of the provider that knows it by the same ids; empty if none does.
    """

    previous_id: str | None
    request: bytes
    output: bytes
    item_ids: tuple[str, ...]
    used_at: float
    made_by: str = ""

    @property
    def size(self) -> int:
        return len(self.request) + len(self.output)

    def items(self) -> dict[str, Body]:
        """Return the items of the output by their ids, in their order."""
        return dict(zip(self.item_ids, orjson.loads(self.output), strict=True))


class Memory:
    """Responses by id, forgotten when there are too many, they are too large, or they were not used for too long."""

    def __init__(
        self,
        *,
        responses_max: int = RESPONSES_MAX,
        bytes_max: int = BYTES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._responses_max = responses_max
        self._bytes_max = bytes_max
        self._clock = clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()  # the least recently used first
        self._response_of: dict[str, str] = {}  # by the id of an item
        self._size = 0

    def keep(
        self,
        response_id: str,
        previous_id: str | None,
        request: bytes,
        output: list[Body],
        made_by: str = "",
    ) -> None:
        """Keep a response; one that is too large for the memory is not kept."""
        ids = tuple(item["id"] for item in output)
        kept = Kept(previous_id, request, orjson.dumps(output), ids, self._clock(), made_by)
        if kept.size > self._bytes_max:
            return
        self._forget(response_id)
        self._kept[response_id] = kept
        self._response_of.update(dict.fromkeys(ids, response_id))
        self._size += kept.size
        self._make_room()

    def response(self, response_id: str) -> Kept | None:
        """Return the response, which counts as used now."""
        self._make_room()
        kept = self._kept.get(response_id)
        if kept is not None:
            kept.used_at = self._clock()
            self._kept.move_to_end(response_id)
        return kept

    def with_item(self, item_id: str) -> Kept | None:
        """Return the response with this item in its output."""
        response_id = self._response_of.get(item_id)
        return self.response(response_id) if response_id is not None else None

    def chain(self, response_id: str) -> list[Kept] | None:
        """Return the response and all before it, the first one first; None if one of them is not kept."""
        chain: list[Kept] = []
        wanted: str | None = response_id
        while wanted is not None:
            kept = self.response(wanted)
            if kept is None or len(chain) > self._responses_max:
                return None
            chain.append(kept)
            wanted = kept.previous_id
        return chain[::-1]

    def _make_room(self) -> None:
        oldest = self._clock() - AGE_S_MAX
        for response_id in list(self._surplus(oldest)):
            self._forget(response_id)

    def _surplus(self, oldest: float) -> Iterator[str]:
        count, size = len(self._kept), self._size
        for response_id, kept in self._kept.items():
            if count <= self._responses_max and size <= self._bytes_max and kept.used_at >= oldest:
                return
            yield response_id
            count -= 1
            size -= kept.size

    def _forget(self, response_id: str) -> None:
        kept = self._kept.pop(response_id, None)
        if kept is None:
            return
        self._size -= kept.size
        for item_id in kept.item_ids:
            if self._response_of.get(item_id) == response_id:
                del self._response_of[item_id]
