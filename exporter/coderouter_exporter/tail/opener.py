"""Opens files, or finds out why one stays closed."""

from dataclasses import replace
from time import monotonic

from coderouter_exporter.tail.archive import ArchiveError, BadArchive, Compressed, packed_digest, pause_s
from coderouter_exporter.tail.checkpoints import Checkpoints
from coderouter_exporter.tail.closed_files import ClosedFile, ClosedFiles
from coderouter_exporter.tail.content import Content, Plain, Step
from coderouter_exporter.tail.rotated import Candidate, Identity
from coderouter_exporter.tail.trouble import Failures


class Opener:
    """Opens the files of one path, with the checkpoints and the closed files of that path."""

    def __init__(
        self, checkpoints: Checkpoints, closed: ClosedFiles, failures: Failures[Identity], step: Step
    ) -> None:
        self._checkpoints = checkpoints
        self._closed = closed
        self._failures = failures
        self._step = step

    def open(self, candidate: Candidate, *, at_path: bool) -> Content | ClosedFile:
        """Return the content of the file, or why it stays closed."""
        try:
            if at_path or not candidate.compression:
                return Plain(candidate.path)
            return self._open_archive(candidate)
        except OSError as error:
            return self.put_off(candidate, error, at_path=at_path)

    def put_off(self, candidate: Candidate, error: OSError, *, at_path: bool) -> ClosedFile:
        """Return the file as one to be tried again, unless since it was read only its mode has changed."""
        stat = candidate.stat
        before = self._closed.with_other_mode(candidate)
        if before is not None:
            return replace(before, stat=stat)
        self._failures.add(stat.identity, candidate.path, error)
        return ClosedFile(stat=stat, pending=not at_path, failed=True)

    def _open_archive(self, candidate: Candidate) -> Content | ClosedFile:
        path, stat = candidate.path, candidate.stat
        with path.open("rb") as file:
            digest = packed_digest(file)
        if (done := self._checkpoints.finished_archive(digest)) is not None:
            return ClosedFile(stat=stat, checkpoint=done)
        started = monotonic()
        try:
            return Compressed(path, self._step)
        except BadArchive as bad:
            if bad.error is ArchiveError.INCOMPLETE and not self._closed.has_settled(candidate):
                now = monotonic()
                retry_at = now + pause_s(now - started)
                return ClosedFile(stat=stat, pending=True, incomplete_since=now, retry_at=retry_at)
            if bad.error is ArchiveError.UNSUPPORTED:
                digest += b"?"  # read when a later start can
                if (known := self._checkpoints.finished_archive(digest)) is not None:
                    return ClosedFile(stat=stat, checkpoint=known)
            error = ArchiveError.CORRUPT if bad.error is ArchiveError.INCOMPLETE else bad.error
            return ClosedFile(
                stat=stat, checkpoint=self._checkpoints.refuse(stat, digest, str(bad)), refused=error
            )
