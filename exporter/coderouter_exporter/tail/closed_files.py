"""The files of one path that are closed: they need nothing until their metadata changes."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.archive import SETTLED_S, ArchiveError
from coderouter_exporter.tail.rotated import Candidate, FileStat, Identity, stat_of
from coderouter_exporter.tail.trouble import Failures, Trouble, skipped


@dataclass(frozen=True, kw_only=True)
class ClosedFile:
    stat: FileStat
    checkpoint: Checkpoint | None = None
    pending: bool = False
    """It cannot be read yet, though it may hold lines."""
    failed: bool = False
    """Reading it was tried, and is to be tried again."""
    is_copy: bool = False
    """It is a copy of an open file."""
    refused: ArchiveError | None = None
    """Why it is never read; None when it was closed for another reason, or refused earlier."""
    incomplete_since: float | None = None
    """When it was found to be an archive that is not complete yet."""
    retry_at: float = 0.0
    """An incomplete archive is not read again before then, however it changes."""

    def stays_closed(self, stat: FileStat | None) -> bool:
        if stat == self.stat:
            return self.incomplete_since is None or monotonic() < self.incomplete_since + SETTLED_S
        return stat is not None and monotonic() < self.retry_at


class ClosedFiles:
    """Closed files by path."""

    def __init__(self) -> None:
        self._files: dict[Path, ClosedFile] = {}
        self._before: dict[Path, ClosedFile] = {}
        """As of before the last listing."""

    def __contains__(self, path: Path) -> bool:
        return path in self._files

    def get(self, path: Path) -> ClosedFile | None:
        return self._files.get(path)

    def add(self, path: Path, file: ClosedFile) -> None:
        self._files[path] = file

    def clear(self) -> None:
        self._files.clear()

    def drop_copies(self) -> bool:
        """Forget the copies; return whether there were any."""
        copies = [path for path, file in self._files.items() if file.is_copy]
        for path in copies:
            del self._files[path]
        return bool(copies)

    def keep_unchanged(
        self, found: Sequence[Candidate], unseen: Container[Path], failures: Failures[Identity]
    ) -> None:
        """Forget all but those found unchanged, which are not to be tried again now, and those that may be there."""
        self._before = self._files
        self._files = {path: file for path, file in self._before.items() if path in unseen}
        for candidate in found:
            file = self._before.get(candidate.path)
            if (
                file is not None
                and file.stays_closed(candidate.stat)
                and not failures.is_due(candidate.stat.identity)
            ):
                self._files[candidate.path] = file

    def has_settled(self, candidate: Candidate) -> bool:
        """Return whether the file was an incomplete archive before the last listing, and nothing writes to it now."""
        before = self._before.get(candidate.path)
        return before is not None and before.incomplete_since is not None and before.stat == candidate.stat

    def with_other_mode(self, candidate: Candidate) -> ClosedFile | None:
        """Return the file as it was before the last listing, if only its mode or owner has changed since."""
        before = self._before.get(candidate.path)
        if before is None or before.pending or not candidate.stat.has_content_of(before.stat):
            return None
        return before

    def any_to_open(self, failures: Failures[Identity]) -> bool:
        """Return whether one has changed, or is to be tried again."""
        return any(
            failures.is_due(file.stat.identity) or _changed(path, file) for path, file in self._files.items()
        )

    def pending(self) -> int:
        return sum(file.pending for file in self._files.values())

    def checkpoints(self) -> list[Checkpoint]:
        return [file.checkpoint for file in self._files.values() if file.checkpoint is not None]

    def identities(self) -> set[Identity]:
        return {file.stat.identity for file in self._files.values()}

    def skipped(self) -> list[Trouble]:
        return [
            skipped(path, file.checkpoint.refused)
            for path, file in self._files.items()
            if file.checkpoint is not None and file.checkpoint.refused
        ]


def _changed(path: Path, file: ClosedFile) -> bool:
    try:
        return not file.stays_closed(stat_of(path))
    except OSError:
        return False  # the next listing shows it
