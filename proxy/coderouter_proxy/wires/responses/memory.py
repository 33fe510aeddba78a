"""The newest responses, for clients that refer to them; never on disk."""

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar

import orjson

from coderouter_proxy.request import Body

RESPONSES_MAX = 1_000
BYTES_MAX = 64 * 1024 * 1024
AGE_S_MAX = 3_600


@dataclass(slots=True)
class Kept:
    """How a response ended and the request that led to it, as JSON: hardly any is ever read again.

    `made_by` is the origin of the provider that wrote the response and knows it by the same ids; empty if none did.
    """

    previous_id: str | None
    request: bytes
    ended: bytes
    item_ids: tuple[str, ...]
    used_at: float
    made_by: str = ""

    @property
    def size(self) -> int:
        return len(self.request) + len(self.ended)

    def items(self) -> dict[str, Body]:
        """Return the items of the output by their ids, in their order."""
        return {item["id"]: item for item in orjson.loads(self.ended)["output"]}


Given = ParamSpec("Given")
Result = TypeVar("Result")
Self = TypeVar("Self", bound="Memory")


def locked(
    method: Callable[Concatenate[Self, Given], Result],
) -> Callable[Concatenate[Self, Given], Result]:
    """Let one thread at a time run the methods of a memory that have this decorator."""

    @wraps(method)
    def one_at_a_time(self: Self, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        with self.lock:
            return method(self, *args, **kwargs)

    return one_at_a_time


class Memory(ABC):
    """Responses by id, forgotten when there are too many, they are too large, or they were not used for too long.

    Threads that work on large requests and answers use it as well.
    """

    def __init__(self) -> None:
        self.lock = RLock()

    @abstractmethod
    def keep(
        self,
        response_id: str,
        previous_id: str | None,
        request: bytes,
        ended: bytes,
        output: Iterable[Body],
        made_by: str = "",
    ) -> None:
        """Keep a response, of which `ended` has the output as JSON; one that is too large is not kept."""

    @abstractmethod
    def response(self, response_id: str) -> Kept | None:
        """Return the response, which counts as used now."""

    @abstractmethod
    def with_item(self, item_id: str) -> Kept | None:
        """Return the response with this item in its output."""

    @abstractmethod
    def delete(self, response_id: str) -> bool:
        """Forget a response, and return whether it was kept."""

    def chain(self, response_id: str) -> list[Kept] | None:
        """Return the response and all before it, the first one first; None if one of them is not kept."""
        chain: list[Kept] = []
        wanted: str | None = response_id
        while wanted is not None:
            kept = self.response(wanted)
            if kept is None or len(chain) > RESPONSES_MAX:
                return None
            chain.append(kept)
            wanted = kept.previous_id
        return chain[::-1]


class ProcessMemory(Memory):
    """The responses of one process."""

    def __init__(
        self,
        *,
        responses_max: int = RESPONSES_MAX,
        bytes_max: int = BYTES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._responses_max = responses_max
        self._bytes_max = bytes_max
        self._clock = clock
        self._kept: OrderedDict[str, Kept] = OrderedDict()  # the least recently used first
        self._response_of: dict[str, str] = {}  # by the id of an item
        self._size = 0

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
        ids = tuple(item["id"] for item in output)
        kept = Kept(previous_id, request, ended, ids, self._clock(), made_by)
        if kept.size > self._bytes_max:
            return
        self._forget(response_id)
        self._kept[response_id] = kept
        self._response_of.update(dict.fromkeys(ids, response_id))
        self._size += kept.size
        self._make_room()

    @locked
    def response(self, response_id: str) -> Kept | None:
        self._make_room()
        kept = self._kept.get(response_id)
        if kept is not None:
            kept.used_at = self._clock()
            self._kept.move_to_end(response_id)
        return kept

    @locked
    def with_item(self, item_id: str) -> Kept | None:
        response_id = self._response_of.get(item_id)
        return self.response(response_id) if response_id is not None else None

    @locked
    def delete(self, response_id: str) -> bool:
        found = self.response(response_id) is not None
        self._forget(response_id)
        return found

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
