"""A tail to read pass by pass, and rotation as logrotate does it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coderouter_exporter.families.exporter import ROTATIONS
from coderouter_exporter.families.kinds import Counter
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.shared import Shared
from coderouter_exporter.tail.tail import Tail


class TailRig:
    """A tail, read pass by pass, and what it has noticed."""

    def __init__(self, path: Path, checkpoints: Sequence[Checkpoint] = (), **shared: Any) -> None:
        self.tail = Tail(path, list(checkpoints), Shared(**shared))
        self.noticed: list[Noticed] = []

    def read(self) -> list[bytes]:
        """Return the lines of one pass."""
        self.noticed.append(self.tail.poll())
        lines = [line for chunk in self.tail.chunks() for line in chunk.data.splitlines()]
        self.noticed.append(self.tail.close_finished())
        return lines

    def counted(self, counter: Counter) -> list[tuple[str, ...]]:
        """Return the labels with which the counter was increased."""
        counts = Noticed.merge(self.noticed).counts
        return [labels for increased, labels in counts if increased is counter]

    def rotations(self) -> list[str]:
        """Return the kinds of rotation noticed."""
        return [kind for (kind,) in self.counted(ROTATIONS)]

    def restarted(self) -> "TailRig":
        """Return what a new process would make of the checkpoints of the old one."""
        checkpoints = list(self.tail.checkpoints)
        self.close()
        return TailRig(self.tail.path, checkpoints)

    def close(self) -> None:
        self.tail.close()


def rotate(path: Path, number: int = 1) -> Path:
    """Rename as logrotate does, higher numbers first."""
    for older in range(number, 0, -1):
        source = path if older == 1 else path.with_name(f"{path.name}.{older - 1}")
        source.rename(path.with_name(f"{path.name}.{older}"))
    return path.with_name(f"{path.name}.1")
