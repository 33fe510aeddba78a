"""What a tail notices besides lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from coderouter_exporter.families.exporter import UNMATCHED
from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.checkpoint import Checkpoint


@dataclass(frozen=True)
class Noticed:
    """Counts and changed checkpoints, to be committed together. False when there is nothing to commit."""

    counts: tuple[tuple[Counter, Labels], ...] = ()
    """Counters to increase by 1."""
    checkpoints_changed: bool = False
    """Other than by reading."""
    lost: tuple[int, ...] = ()
    """The numbers of files that disappeared before they were known to be read to their end."""

    @classmethod
    def merge(cls, parts: Iterable[Self]) -> Self:
        parts = tuple(parts)
        return cls(
            counts=tuple(count for part in parts for count in part.counts),
            checkpoints_changed=any(part.checkpoints_changed for part in parts),
            lost=tuple(number for part in parts for number in part.lost),
        )

    def __bool__(self) -> bool:
        return self.checkpoints_changed or bool(self.counts)


CHECKPOINTS_CHANGED = Noticed(checkpoints_changed=True)


def counted(counter: Counter, *labels: str, checkpoints_changed: bool = False) -> Noticed:
    return Noticed(((counter, labels),), checkpoints_changed)


def lost(checkpoint: Checkpoint) -> Noticed:
    """Return that the file disappeared before it was known to be read to its end."""
    return Noticed(((UNMATCHED, ()),), checkpoints_changed=True, lost=(checkpoint.number,))
