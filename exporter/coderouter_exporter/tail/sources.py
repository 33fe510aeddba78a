"""The event files as configured: paths, and patterns that new files may match at any time."""

import glob
import resource
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.rotated import Folders, is_rotated
from coderouter_exporter.tail.tail import LATE_WRITER_S, Shared, Tail

EXPAND_EVERY_S = 5.0
DESCRIPTORS_KEPT = 64
"""Left for the state file, the scrapes and the watches."""


class Sources:
    """One tail for each event file, with what the tails share."""

    def __init__(
        self,
        patterns: Sequence[Path],
        positions: Iterable[Checkpoint],
        *,
        olddir: Path | None = None,
        step: Step = no_step,
        late_writer_s: float = LATE_WRITER_S,
    ) -> None:
        self.tails: list[Tail] = []
        self._fixed = [path for path in patterns if not glob.has_magic(str(path))]
        self._globs = [path for path in patterns if glob.has_magic(str(path))]
        self._positions: dict[str, list[Checkpoint]] = {}
        for position in positions:
            self._positions.setdefault(position.path, []).append(position)
        self._paths: set[Path] = set()
        self._shared = Shared(
            olddir=olddir,
            is_source=self._paths.__contains__,
            folders=Folders(),
            descriptors=Descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - DESCRIPTORS_KEPT),
            step=step,
            late_writer_s=late_writer_s,
        )
        self._expanded_at = 0.0
        known = (Path(path) for path in self._positions)
        self._add(self._fixed)
        self._add(path for path in known if any(path.match(str(pattern)) for pattern in self._globs))
        self.expand()

    def expand(self) -> None:
        """Take up new files that match a pattern."""
        if self._globs and time.monotonic() - self._expanded_at >= EXPAND_EVERY_S:
            found = (Path(name) for pattern in self._globs for name in glob.iglob(str(pattern)))  # noqa: PTH207
            self._add(sorted(path for path in found if not is_rotated(path.name)))
            self._expanded_at = time.monotonic()

    def positions(self) -> list[Checkpoint]:
        """Return the positions of all files, also of those that are not configured now: they may be again."""
        others = [
            p for path, known in self._positions.items() if Path(path) not in self._paths for p in known
        ]
        return [*others, *(position for tail in self.tails for position in tail.positions)]

    def close(self) -> None:
        for tail in self.tails:
            tail.close()

    def _add(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path not in self._paths:
                self._paths.add(path)
                self.tails.append(Tail(path, self._positions.get(str(path), []), self._shared))
