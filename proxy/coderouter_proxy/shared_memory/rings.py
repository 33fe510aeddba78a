"""Records that several processes share in memory: each writes to a ring of its own, and any reads all of them.

Nothing is locked, so no process ever waits for another, and one that is killed leaves at most a record that nobody
finds. Checksums show a reader what was overwritten while it read.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

# Native and aligned to 8 bytes, so that a reader never sees half of a number.
_HEAD = struct.Struct(
    "@QQQ"
)  # of a ring: where its oldest record begins, where its newest ends, how many they are
_RECORD = struct.Struct("@QdI24s")  # length of the content, when it was used, checksum, name
_USED_AT_OFFSET = 8
_ALIGNED = 8
_OLDEST, END = 0, 1
NAME_BYTES = 24


class Ring:
    """Positions of records only grow; in the memory they are taken modulo its size."""

    def __init__(self, memory: memoryview, records_max: int) -> None:
        """Use this memory, whose size is a multiple of 8; a ring that is in it continues."""
        self._head = memory[: _HEAD.size]
        self.positions = self._head.cast("Q")
        """Where its oldest record begins, and where its newest ends; reading one takes less time than the struct."""
        self._data = memory[_HEAD.size :]
        self._times = self._data.cast("d")
        self._size = len(self._data)
        self._records_max = records_max

    @property
    def oldest(self) -> int:
        """The position of the oldest record; all before it are overwritten."""
        return self.positions[_OLDEST]

    def append(self, name: str, content: bytes, now: float) -> None:
        """Write a record over the oldest ones; one that does not fit is left out. Only one process may."""
        named = name.encode()
        length = _whole(len(content))
        if length > self._size or len(named) > NAME_BYTES:
            return
        oldest, end, count = _HEAD.unpack(self._head)
        while count and (end + length - oldest > self._size or count >= self._records_max):
            oldest += _whole(self._record(oldest)[0])
            count -= 1
        if not count or oldest > end:
            oldest, count = end, 0
        _HEAD.pack_into(self._head, 0, oldest, end, count)  # before the bytes are gone
        self._write(end, _RECORD.pack(len(content), now, zlib.crc32(content), named) + content)
        _HEAD.pack_into(self._head, 0, oldest, end + length, count + 1)

    def since(self, position: int) -> Iterator[tuple[int, str, int]]:
        """Yield position and name of each record from this position on, and the position after it."""
        oldest, end, _ = _HEAD.unpack(self._head)
        at = max(position, oldest)
        while at < end:
            length, _, _, name = self._record(at)
            after = at + _whole(length)
            if self.oldest > at or after > end:  # overwritten meanwhile
                return
            yield at, name.rstrip(b"\0").decode(errors="replace"), after
            at = after

    def content(self, at: int) -> tuple[bytes, float] | None:
        """Return what was written at a position and when it was used; None if it is overwritten."""
        if at < self.oldest:
            return None
        length, used_at, checksum, _ = self._record(at)
        if length > self._size:
            return None
        content = self._read(at + _RECORD.size, length)
        return (content, used_at) if at >= self.oldest and zlib.crc32(content) == checksum else None

    def used_at(self, at: int) -> float | None:
        """Return when a record was used; None if it is overwritten."""
        used_at: float = self._times[(at + _USED_AT_OFFSET) % self._size // _ALIGNED]
        return used_at if at >= self.positions[_OLDEST] else None

    def use(self, at: int, now: float) -> bool:
        """Write when a record was used, unless it is among those that are overwritten next. Any process may."""
        oldest, end, count = _HEAD.unpack(self._head)
        used = end - oldest
        is_nearly_full = (
            used > self._size - self._size // 8 or count > self._records_max - self._records_max // 8
        )
        if is_nearly_full and at <= oldest + used // 8:
            return False
        self.mark(at, now)
        return True

    def mark(self, at: int, used_at: float) -> None:
        """Write when a record was used."""
        if at >= self.oldest:
            self._times[(at + _USED_AT_OFFSET) % self._size // _ALIGNED] = used_at

    def _record(self, at: int) -> tuple[int, float, int, bytes]:
        """Return what is before the content of the record: its length, when it was used, the checksum, the name."""
        start = at % self._size
        if start + _RECORD.size > self._size:
            return _RECORD.unpack(self._read(at, _RECORD.size))
        return _RECORD.unpack_from(self._data, start)

    def _read(self, at: int, length: int) -> bytes:
        start = at % self._size
        first = bytes(self._data[start : start + length])
        if len(first) == length:
            return first
        return first + bytes(self._data[: length - len(first)])

    def _write(self, at: int, data: bytes) -> None:
        start = at % self._size
        first = min(len(data), self._size - start)
        self._data[start : start + first] = data[:first]
        self._data[: len(data) - first] = data[first:]


@dataclass(slots=True)
class KnownRing:
    """A ring, as far as this process has read it: the positions of its newest records by name."""

    ring: Ring
    read_to: int = 0
    places: dict[str, int] = field(default_factory=dict)

    def catch_up(self) -> None:
        if self.ring.positions[END] == self.read_to:
            return
        for at, name, after in self.ring.since(self.read_to):
            self.places.pop(name, None)  # so that they are in the order of their positions
            self.places[name] = at
            self.read_to = after
        while self.places and self.places[first := next(iter(self.places))] < self.ring.oldest:
            del self.places[first]


def _whole(content_length: int) -> int:
    """Return the length of a record with this content."""
    return -(-(_RECORD.size + content_length) // _ALIGNED) * _ALIGNED
