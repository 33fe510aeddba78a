"""The open files of one path."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from coderouter_exporter.tail.noticed import CHECKPOINTS_CHANGED, Noticed
from coderouter_exporter.tail.open_file import Descriptors, OpenFile
from coderouter_exporter.tail.rotated import Candidate, Identity


class OpenFiles:
    """Open files, oldest first; the one at the path is the last."""

    def __init__(self, path: Path, descriptors: Descriptors) -> None:
        self._path = path
        self._descriptors = descriptors
        self._files: list[OpenFile] = []

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[OpenFile]:
        """Iterate over the files as they are now; meanwhile others may be added or removed."""
        return iter(tuple(self._files))

    def add(self, file: OpenFile) -> None:
        """Add a file that is younger than those before it, other than the one at the path."""
        self._files.append(file)
        self._descriptors.use(file)

    def sort(self) -> None:
        self._files.sort(key=lambda file: file.path == self._path)

    def close(self, file: OpenFile) -> None:
        self._descriptors.close(file)
        self._files.remove(file)

    def close_all(self) -> None:
        for file in self:
            self.close(file)

    def take_evicted(self) -> list[OpenFile]:
        """Remove and return the files whose descriptors were needed for others."""
        evicted = [file for file in self._files if file.closed]
        self._files = [file for file in self._files if not file.closed]
        return evicted

    def identities(self) -> set[Identity]:
        return {file.identity for file in self._files}

    def rotated(self, active: Identity | None) -> list[OpenFile]:
        """Return those other than the active one that are ours."""
        return [file for file in self._files if file.identity != active and not file.checkpoint.grows]

    def follow_renames(self, found: Sequence[Candidate]) -> Iterator[Noticed]:
        """Notice which of the files found are open under another name."""
        open_files = {file.identity: file for file in self._files}
        for candidate in found:
            file = open_files.get(candidate.stat.identity)
            if file is not None and file.path != candidate.path:
                file.move_to(candidate.path)
                file.checkpoint.at_path |= candidate.path == self._path
                yield CHECKPOINTS_CHANGED
