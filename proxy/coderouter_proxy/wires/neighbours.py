"""Messages or turns that follow each other in the role of the user or of the assistant."""

from collections.abc import Callable, Iterator, Sequence
from operator import eq
from typing import TypeVar

Item = TypeVar("Item")


def merged(
    items: Sequence[Item], roles: Sequence[object], merge: Callable[[Sequence[Item]], Item]
) -> Sequence[Item]:
    """Return the items, which have these roles, with neighbours merged; the sequence itself if there are none.

    `merge` gets each run whole: in pairs, its work would grow with the square of the length.
    """
    kept: list[Item] = []
    start = 0
    for run in _runs(roles):
        kept += items[start : run.start]
        kept.append(merge(items[run.start : run.stop]))
        start = run.stop
    return [*kept, *items[start:]] if start else items


def _runs(roles: Sequence[object]) -> Iterator[range]:
    """Yield the places of the items that follow each other in one of the two roles."""
    same = bytes(map(eq, roles, roles[1:])) + b"\0"  # which have the role of the next one
    start = same.find(1)
    while start >= 0:
        stop = same.index(0, start) + 1
        if roles[start] in ("user", "assistant"):
            yield range(start, stop)
        start = same.find(1, stop)
