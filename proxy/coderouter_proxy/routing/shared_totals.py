"""Totals that several processes see at once, in a small file beside the spend file."""

import fcntl
import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from coderouter_events import private
from coderouter_proxy.routing.spend_file import TOTAL_MAX, Entry

SUFFIX = "-live"
NUMBER_BYTES = 8
DIGEST_BYTES = 24
CELL_BYTES = NUMBER_BYTES + DIGEST_BYTES


class SharedTotals:
    """One number for each month and provider; reading or writing one takes a microsecond and never waits.

    Numbers only grow. When two processes raise the same one at the same moment, the smaller result may be lost, so
    this is an addition to a file with exact totals, not a replacement. Nothing outlives the last process.
    """

    def __init__(self, spend_path: Path) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be created, or its file system has no locks.
        """
        self._path = spend_path.with_name(spend_path.name + SUFFIX)
        private.make_folder(self._path.parent)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._offsets: dict[Entry, int] = {}
        try:
            with suppress(BlockingIOError):
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(self._fd, 0)  # no other process is using it
            fcntl.flock(self._fd, fcntl.LOCK_SH)
        except OSError:
            self.close()
            raise

    def get(self, entry: Entry) -> int:
        """Return the number; 0 if there is none, or it is not a total, or it cannot be read."""
        try:
            number = int.from_bytes(os.pread(self._fd, NUMBER_BYTES, self._offset(entry)), "little")
        except OSError:
            return 0
        return number if number <= TOTAL_MAX else 0

    def raise_to(self, entry: Entry, number: int) -> None:
        """Write the number, unless a larger one is there or it cannot be written."""
        with suppress(OSError):
            if number > self.get(entry):
                os.pwrite(self._fd, number.to_bytes(NUMBER_BYTES, "little"), self._offset(entry))

    def close(self) -> None:
        os.close(self._fd)

    def _offset(self, entry: Entry) -> int:
        if entry not in self._offsets:
            digest = blake2b("\0".join(entry).encode(), digest_size=DIGEST_BYTES).digest()
            if digest not in self._digests():
                # If another process does the same now there are two cells, and both processes use the first.
                with self._path.open("ab", buffering=0) as file:
                    file.write(bytes(NUMBER_BYTES) + digest)
            self._offsets[entry] = self._digests().index(digest) * CELL_BYTES
        return self._offsets[entry]

    def _digests(self) -> list[bytes]:
        cells = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        return [
            cells[start + NUMBER_BYTES : start + CELL_BYTES] for start in range(0, len(cells), CELL_BYTES)
        ]
