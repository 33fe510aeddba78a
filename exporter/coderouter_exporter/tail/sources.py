"""The configured event files: paths, and globs that new files may match at any time."""

import glob
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from coderouter_exporter.state.state import Checkpoint
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.names import is_rotated
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.rotated import Folders
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
        rotated_globs: Sequence[str] = (),
        is_our_writer: Callable[[str], bool] = lambda _: True,
        step: Step = no_step,
        late_writer_s: float = LATE_WRITER_S,
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
            rotated_globs=rotated_globs,
            is_our_writer=is_our_writer,
            is_source=self._paths.__contains__,
            folders=Folders(),
            descriptors=Descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - DESCRIPTORS_KEPT),
            step=step,
            late_writer_s=late_writer_s,
        )
        self._expanded_at = 0.0
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
