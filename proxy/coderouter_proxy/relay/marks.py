"""Compile the markup that a scanner looks for into one pattern, which also finds markup that is not complete yet."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

ANYTHING: Final = "…"
NAME: Final = "•"
_WILDCARDS: Final = {
    ANYTHING: r"[^<>\n]{0,200}",
    NAME: r"[\w▁:./-]{1,48}",
}
"""By their sign in the text of a mark: what is in between, of bounded length so that a search stays linear."""

TICKS_MAX: Final = 32
"""Longer runs of backticks are found in parts, and mean nothing."""

_Node: TypeAlias = "dict[str, _Node]"
_END = ""  # of a mark, as a key of its last node


class Marks:
    """Marks, and the patterns that find them.

    In a mark `…` is anything but `<`, `>` and a line break, `•` is a name. Marks match in any case; only capitals of
    those that begin with a bracket match nothing else. Where several match, the most specific does.

    A match of `pattern` without a `lastindex` is a line break, a run of backticks, or the start of a mark that more
    text may complete; `final` finds no starts. `of` returns the mark of any other match.
    """

    def __init__(self, marks: Iterable[str]) -> None:
        tree: _Node = {}
        for mark in marks:
            node = tree
            for char in mark if mark[0] in "[]" else mark.lower():
                node = node.setdefault(char, {})
            node.setdefault(_END, {mark: {}})
        self._marks: list[str] = []
        rows = [(first, self._found(node), _begun(node)) for first, node in tree.items()]
        plain = ["\n", f"`{{1,{TICKS_MAX + 1}}}"]
        self.pattern: Final = re.compile(
            "|".join([*plain, *(_char(first) + _either(begun, found) for first, found, begun in rows)])
        )
        self.final: Final = re.compile(
            "|".join([*plain, *(_char(first) + found for first, found, _ in rows)])
        )

    def of(self, match: re.Match[str]) -> str:
        assert match.lastindex is not None
        return self._marks[match.lastindex - 1]

    def _found(self, node: _Node) -> str:
        """Return a pattern for the rest of the marks below the node; the group that matches shows which it was."""
        rest = [_char(char) + self._found(below) for char, below in _children(node)]
        if _END in node:
            self._marks += node[_END]
            rest.append("()")
        return rest[0] if len(rest) == 1 else f"(?:{'|'.join(rest)})"


def _begun(node: _Node) -> str:
    """Return a pattern for the text so far ending below the node; none if a mark is complete there."""
    rest = [_char(char) + begun for char, below in _children(node) if (begun := _begun(below))]
    return rf"(?:\Z{''.join(f'|{each}' for each in rest)})" if list(_children(node)) else ""


def _children(node: _Node) -> Iterator[tuple[str, _Node]]:
    """Yield what may follow, wildcards last."""
    yield from sorted(
        ((char, below) for char, below in node.items() if char != _END),
        key=lambda each: each[0] in _WILDCARDS,
    )


def _char(char: str) -> str:
    if char in _WILDCARDS:
        return _WILDCARDS[char]
    return f"[{char}{char.upper()}]" if char.isascii() and char.islower() else re.escape(char)


def _either(begun: str, found: str) -> str:
    return f"(?:{begun}|{found})" if begun else found
