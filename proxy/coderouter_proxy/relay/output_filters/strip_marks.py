"""Remove marks from a text, unless they are only mentioned."""

from abc import ABC, abstractmethod

from coderouter_proxy.relay.marks import Marks
from coderouter_proxy.relay.output_filters.filter import Edges, Filtered
from coderouter_proxy.relay.prose import Mark, Scanner


class StripMarks(ABC):
    """Removes marks. In code they stay, unless nothing follows: then the answer ended in the middle of a block."""

    def __init__(self, marks: Marks) -> None:
        self.changed = False
        self._scanner = Scanner(marks)
        self._text = Edges()
        self._in_block: list[str] = []
        """Marks in a block, and white space behind them, until more text shows that they belong to it."""

    def feed(self, text: str) -> Filtered:
        self._scanner.feed(text)
        kept = "".join([self._kept(found) for found in self._scanner.read()])
        return [kept] if kept else []

    def end(self) -> Filtered:
        kept = "".join([self._kept(found) for found in self._scanner.end()])
        if self._in_block:
            self._in_block = []
            self._cut()
        kept += self._text.end()
        return [kept] if kept else []

    @abstractmethod
    def _is_text(self, mark: Mark) -> bool:
        """Return whether a mark in prose is text."""

    def _kept(self, found: str | Mark) -> str:
        if isinstance(found, str):
            if self._in_block and not found.strip():
                self._in_block.append(found)
                return ""
            return self._passed(found)
        if found.in_block:
            self._in_block.append(found.text)
            return ""
        if found.is_quoted or self._is_text(found):
            return self._passed(found.text)
        self._cut()
        return ""

    def _passed(self, text: str) -> str:
        if self._in_block:
            text = "".join([*self._in_block, text])
            self._in_block = []
        return self._text.add(text)

    def _cut(self) -> None:
        self.changed = True
        self._text.cut()
