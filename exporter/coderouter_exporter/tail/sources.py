"""The configured event files: paths, and globs that new files may match at any time."""

import glob
import resource
import time
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from coderouter_exporter.names import kept, path_of
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.gone import GONE_KEPT_S, Timer
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.patterns import Pattern
from coderouter_exporter.tail.rotated import Folders
from coderouter_exporter.tail.shared import LATE_WRITER_S, IsOurWriter, Shared
from coderouter_exporter.tail.tail import Tail
from coderouter_exporter.tail.trouble import Trouble

EXPAND_EVERY_S = 5.0
DESCRIPTORS_KEPT = 64
"""Left for the state file, the scrapes and the watches."""
DESCRIPTORS_MAX = 1 << 16
STATE_SUFFIXES = ("", "-journal", ".lock", ".new", ".new-journal", ".old")


class Sources:
    """One tail for each event file.

    `checkpoints` are those of the committed state, of whichever event files; no name matches the `state_file`.
    """

    def __init__(
        self,
        patterns: Sequence[Path],
        checkpoints: Iterable[Checkpoint],
        is_our_writer: IsOurWriter = lambda _: True,
        *,
        olddir: Path | None = None,
        rotated_globs: Sequence[str] = (),
        state_file: Path | None = None,
        step: Step = no_step,
        late_writer_s: float = LATE_WRITER_S,
        gone_kept_s: float = GONE_KEPT_S,
    ) -> None:
        self.tails: list[Tail] = []
        self._fixed = [path for path in patterns if not glob.has_magic(str(path))]
        is_own = partial(_is_own, state_file)
        self._patterns = [Pattern(path, is_own) for path in patterns if glob.has_magic(str(path))]
        self._checkpoints: dict[str, list[Checkpoint]] = {}
        for checkpoint in checkpoints:
            self._checkpoints.setdefault(checkpoint.path, []).append(checkpoint)
        self._paths: set[Path] = set()
        self._shared = Shared(
            olddir=olddir,
            rotated_globs=rotated_globs,
            is_our_writer=is_our_writer,
            is_other=lambda path: path in self._paths or is_own(path),
            folders=Folders(),
            descriptors=Descriptors(_descriptors_max()),
            step=step,
            late_writer_s=late_writer_s,
        )
        self._expanded_at = 0.0
        known = map(path_of, self._checkpoints)
        self._gone = Timer(gone_kept_s)
        self._add(self._fixed)
        self._add(path for path in known if any(pattern.matches(path) for pattern in self._patterns))
        self.expand()

    def expand(self) -> None:
        """Add the files that have come to match a glob, at most every `EXPAND_EVERY_S`."""
        if self._patterns and time.monotonic() - self._expanded_at >= EXPAND_EVERY_S:
            for pattern in self._patterns:
                self._add(pattern.search())
            self._expanded_at = time.monotonic()

    def troubles(self) -> list[Trouble]:
        """Return why files are not read, one trouble for each path."""
        of_patterns = (trouble for pattern in self._patterns for trouble in pattern.troubles)
        of_files = (trouble for tail in self.tails for trouble in tail.troubles())
        return list({trouble.path: trouble for trouble in chain(of_patterns, of_files)}.values())

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
            if path_of(path) not in self._paths:
                known[:] = [e for e in known if not self._gone.is_over(e, elapsed_s, exists=False)]
        return Noticed.merge(noticed)

    def checkpoints(self) -> list[Checkpoint]:
        """Return those of all files, including event files that are not configured now but may be again."""
        others = [
            checkpoint
            for path, known in self._checkpoints.items()
            if path_of(path) not in self._paths
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
                self.tails.append(Tail(path, self._checkpoints.get(kept(path), []), self._shared))


def _descriptors_max() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (DESCRIPTORS_MAX if soft == resource.RLIM_INFINITY else soft) - DESCRIPTORS_KEPT


def _is_own(state_file: Path | None, path: Path) -> bool:
    """Return whether the file belongs to our state."""
    return state_file is not None and any(
        path == state_file.with_name(state_file.name + suffix) for suffix in STATE_SUFFIXES
    )
