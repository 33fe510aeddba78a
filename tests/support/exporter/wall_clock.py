"""A wall clock for an exporter that can be set while it runs, by libfaketime; time passes as usual."""

import time
from pathlib import Path

from support.programs import program


class WallClock:
    def __init__(self, folder: Path) -> None:
        """Skip the test if libfaketime is not installed."""
        program("faketime")
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        self._file = folder / "clock"
        self._ahead_s = 0.0
        self.set(ahead_s=0.0)
        self.env = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, *, ahead_s: float) -> None:
        """Set the clock to so many seconds ahead of the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_s:+.0f}\n")
        new.replace(self._file)  # the library never reads half of it
        self._ahead_s = ahead_s

    @property
    def now_ts(self) -> float:
        return time.time() + self._ahead_s
