"""Writers of event files that do on command what real ones do by chance: keep an old file open, tear a line, die."""

import os
import secrets
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from support.exporter.process import tried

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
_clock_ms = count()  # no two lines begin the same, as with a real writer


class Writer:
    """One writing process. `written` counts the lines it has completed, by provider."""

    def __init__(self, path: Path, *, numbered: bool = True) -> None:
        self._numbered = numbered
        self.name = secrets.token_hex(4)
        self.seq = 0
        self.written: dict[str, int] = {}
        self.path = path
        self._fd = -1
        self._rest = b""
        self._provider = ""

    def write(self, provider: str = "local", count: int = 1) -> None:
        """Append this many whole lines, with one write each."""
        self.finish_half()
        for _ in range(count):
            self._append(self._line(provider))
            self._note(provider)

    def write_half(self, provider: str = "local") -> None:
        self.finish_half()
        line = self._line(provider)
        self._append(line[: len(line) // 2])
        self._rest, self._provider = line[len(line) // 2 :], provider

    def finish_half(self) -> bool:
        """Write the rest of a half line; return whether there was one."""
        if not self._rest:
            return False
        self._append(self._rest)
        self._note(self._provider)
        self._rest = b""
        return True

    def holds(self, path: Path) -> bool:
        """Return whether it would write to this file."""
        return self._fd >= 0 and os.path.samestat(os.fstat(self._fd), path.stat())

    def reopen(self) -> None:
        """Write to the file that is at the path now, as the proxy does once it has noticed a rename."""
        if not self._rest:
            self.close()

    def die(self) -> None:
        """End, in the middle of a line if one is unfinished; the next process writes under another name."""
        self._rest = b""
        self.name = secrets.token_hex(4)
        self.seq = 0
        self.close()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def _line(self, provider: str) -> bytes:
        self.seq += 1
        ts = (BEGIN + timedelta(milliseconds=next(_clock_ms))).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        if self._numbered:
            return tried(provider, ts=ts, writer=self.name, seq=self.seq)
        return tried(provider, ts=ts, note=f"{self.name} {self.seq}")

    def _note(self, provider: str) -> None:
        self.written[provider] = self.written.get(provider, 0) + 1

    def _append(self, data: bytes) -> None:
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            size = os.fstat(self._fd).st_size
            if size and os.pread(self._fd, 1, size - 1) != b"\n":
                data = b"\n" + data
        assert os.write(self._fd, data) == len(data)
