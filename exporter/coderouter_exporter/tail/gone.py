"""How long files have been gone, in time that an exporter ran: clocks are set, and a stopped exporter sees nothing."""

import os
import time
from pathlib import Path

from coderouter_exporter.names import path_of
from coderouter_exporter.state.checkpoint import Checkpoint

GONE_KEPT_S = 86_400.0
"""A file that is gone this long does not come back. Its series end, and nothing of it is remembered."""
CHECKS = 144
"""How often it is checked in that time."""


class Timer:
    """Measures the time between checks; it is due `CHECKS` times in the time that files are kept."""

    def __init__(self, kept_s: float) -> None:
        self.kept_s = kept_s
        self._checked_at = time.monotonic()

    def elapsed_s(self) -> float | None:
        """Return the time since the previous check, or None while none is due."""
        elapsed_s = time.monotonic() - self._checked_at
        if elapsed_s < self.kept_s / CHECKS:
            return None
        self._checked_at += elapsed_s
        return elapsed_s

    def is_over(self, checkpoint: Checkpoint, elapsed_s: float, *, exists: bool) -> bool:
        """Count this check; return whether the file has been gone for so long that nothing of it is kept."""
        checkpoint.gone_s = (
            0.0 if exists or not is_gone(path_of(checkpoint.last_path)) else checkpoint.gone_s + elapsed_s
        )
        return checkpoint.gone_s > self.kept_s


def is_gone(path: Path) -> bool:
    """Return whether nothing is there; False as well when that is not known."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return path == Path()
