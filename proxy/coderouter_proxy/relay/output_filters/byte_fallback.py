"""Decode bytes that a tokenizer wrote as `<0xE3>`, one for each byte of a character that it does not know."""

from functools import cache
from typing import Final

from coderouter_proxy.relay.marks import Marks
from coderouter_proxy.relay.output_filters.filter import Filtered
from coderouter_proxy.relay.prose import Mark, Scanner

_HEX = "0123456789abcdef"
BYTES: Final = tuple(f"<0x{high}{low}>" for high in _HEX for low in _HEX)


@cache
def _marks() -> Marks:
    return Marks(BYTES)


class RepairByteFallback:
    """Replaces bytes by the character that they encode in UTF-8; what encodes none stays.

    In inline code they stay too. In blocks they are replaced: a model whose bytes leak writes its code with them.
    """

    def __init__(self) -> None:
        self.changed = False
        self._scanner = Scanner(_marks())
        self._bytes = bytearray()
        self._written: list[str] = []
        """The bytes as they were written."""

    def feed(self, text: str) -> Filtered:
        self._scanner.feed(text)
        kept = "".join([self._kept(found) for found in self._scanner.read()])
        return [kept] if kept else []

    def end(self) -> Filtered:
        kept = "".join([self._kept(found) for found in self._scanner.end()]) + self._undecoded()
        return [kept] if kept else []

    def _kept(self, found: str | Mark) -> str:
        if isinstance(found, str) or found.is_quoted:
            return self._undecoded() + (found if isinstance(found, str) else found.text)
        value = int(found.text[3:5], 16)
        before = "" if self._continues(value) else self._undecoded()
        self._bytes.append(value)
        self._written.append(found.text)
        if len(self._bytes) < _size(self._bytes[0]):
            return before
        try:
            char = self._bytes.decode()
        except UnicodeDecodeError:
            return before + self._undecoded()
        if char < " " and char not in "\t\n\r":
            return before + self._undecoded()
        self._bytes.clear()
        self._written.clear()
        self.changed = True
        return before + char

    def _continues(self, value: int) -> bool:
        return bool(self._bytes) and 0x80 <= value < 0xC0

    def _undecoded(self) -> str:
        written = "".join(self._written)
        self._bytes.clear()
        self._written.clear()
        return written


def _size(first: int) -> int:
    """Return how many bytes the character has that begins with this one."""
    return 4 if first >= 0xF0 else 3 if first >= 0xE0 else 2 if first >= 0xC0 else 1
