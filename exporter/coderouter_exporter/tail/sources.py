"""The configured event files: paths, and globs that new files may match at any time."""

import glob
import resource
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.gone import GONE_KEPT_S, Timer
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.rotated import Folders, is_rotated
from coderouter_exporter.tail.shared import LATE_WRITER_S, Shared
from coderouter_exporter.tail.tail import Tail

EXPAND_EVERY_S = 5.0
DESCRIPTORS_KEPT = 64
"""Left for the state file, the scrapes and the watches."""


class Sources:
    """One tail for each event file.

    `checkpoints` are those of the committed state, of whichever event files.
    """

    def __init__(
        self,
        patterns: Sequence[Path],
        checkpoints: Iterable[Checkpoint],
        *,
        olddir: Path | None = None,
        step: Step = no_step,
        late_writer_s: float = LATE_WRITER_S,
        gone_kept_s: float = GONE_KEPT_S,
    ) -> None:
        self.tails: list[Tail] = []
        self._fixed = [path for path in patterns if not glob.has_magic(str(path))]
        self._globs = [path for path in patterns if glob.has_magic(str(path))]
        self._checkpoints: dict[str, list[Checkpoint]] = {}
        for checkpoint in checkpoints:
            self._checkpoints.setdefault(checkpoint.path, []).append(checkpoint)
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
        self._gone = Timer(gone_kept_s)
        known = (Path(path) for path in self._checkpoints)
        self._add(self._fixed)
        self._add(path for path in known if any(path.match(str(pattern)) for pattern in self._globs))
        self.expand()

    def expand(self) -> None:
        """Add the files that have come to match a glob, at most every `EXPAND_EVERY_S`."""
        if self._globs and time.monotonic() - self._expanded_at >= EXPAND_EVERY_S:
            found = (Path(name) for pattern in self._globs for name in glob.iglob(str(pattern)))  # noqa: PTH207
            self._add(sorted(path for path in found if not is_rotated(path.name)))
            self._expanded_at = time.monotonic()

    def forget_long_gone(self) -> Noticed:
        """Forget the files that have been gone for long, and the event files that only a glob has found."""
        elapsed_s = self._gone.elapsed_s()
        if elapsed_s is None:
            return Noticed()
        noticed = [tail.forget_long_gone(self._gone, elapsed_s) for tail in self.tails]
        abandoned = [
            tail for tail in self.tails if tail.path not in self._fixed and tail.is_abandoned(self._gone)
        ]
        for tail in abandoned:
            self.tails.remove(tail)
            self._paths.remove(tail.path)
        for path, known in self._checkpoints.items():
            if Path(path) not in self._paths:
                known[:] = [e for e in known if not self._gone.is_over(e, elapsed_s, exists=False)]
        return Noticed.merge(noticed)

    def checkpoints(self) -> list[Checkpoint]:
        """Return those of all files, including event files that are not configured now but may be again."""
        others = [
            checkpoint
            for path, known in self._checkpoints.items()
            if Path(path) not in self._paths
            for checkpoint in known
        ]
        return [*others, *(checkpoint for tail in self.tails for checkpoint in tail.checkpoints)]

    def close(self) -> None:
        for tail in self.tails:
            tail.close()

    def _add(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path not in self._paths:
                self._paths.add(path)
                self.tails.append(Tail(path, self._checkpoints.get(str(path), []), self._shared))
