"""Bodies that arrive compressed although requests accept none (RFC 9110, 12.5.3)."""

import zlib
from collections.abc import Iterator
from typing import Final

ENCODINGS: Final = ("gzip", "x-gzip", "deflate")
_GZIP = 0x1F
_PIECE_BYTES = 4096
"""Of compressed data in one step: what follows a member is copied once for each of them."""
_INFLATED_BYTES_MAX = 16 * 1024 * 1024
"""From what arrives at once, so that a small body neither fills the memory nor holds the event loop."""


class Decompressor:
    """Reads one body of gzip, in any number of members (RFC 1952, 2.2), or of deflate, with or without zlib's frame."""

    def __init__(self) -> None:
        self._inflate: zlib._Decompress | None = None

    @property
    def is_whole(self) -> bool:
        """Return whether the data so far is a whole body, or nothing."""
        return self._inflate is None or self._inflate.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what the data holds.

        Raises:
            zlib.error: it is not compressed like that, or it holds too much.
        """
        left = _INFLATED_BYTES_MAX
        for at in range(0, len(data), _PIECE_BYTES):
            piece = data[at : at + _PIECE_BYTES]
            while piece:
                if self._inflate is None or self._inflate.eof:
                    if self._inflate is not None and piece[0] != _GZIP:
                        break  # padding behind the last member
                    self._inflate = zlib.decompressobj(wbits=_window(piece[0]))
                inflated = self._inflate.decompress(piece, left)
                left -= len(inflated)
                if not left:
                    raise zlib.error(f"a piece of it holds more than {_INFLATED_BYTES_MAX} bytes")
                if inflated:
                    yield inflated
                piece = self._inflate.unused_data


def _window(first: int) -> int:
    """Return what zlib shall expect: its own header or that of gzip, else none (RFC 1950, 2.2; RFC 1952, 2.3)."""
    has_header = first & 0x0F == 8 or first == _GZIP  # neither begins a block of deflate
    return zlib.MAX_WBITS | 32 if has_header else -zlib.MAX_WBITS
