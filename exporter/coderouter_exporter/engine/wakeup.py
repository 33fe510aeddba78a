"""Wakes the engine when something happens in the folders of the event files. Only a hint: polling is the truth."""

import logging
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from watchfiles import Change, watch

DEBOUNCE_MS = 500
"""How long changes are collected, and how often the watcher wakes up. Less would cost an idle exporter CPU."""
UNWATCHED_S = 1.0
"""Nothing is watched this long after a change, and as long as the engine finds lines: while the files change all the
time, each of the changes would wake the watcher up. The engine polls meanwhile."""
RETRY_S = 5.0
_WILDCARD = re.compile(r"[*?\[]")


class Watcher:
    """Watches folders, not files: a watch on a file goes deaf when the file is renamed."""

    def __init__(
        self, paths: Sequence[Path], wake: Callable[[], None], finds_lines: Callable[[], bool]
    ) -> None:
        self._folders = sorted({path.parent for path in paths})
        self._prefixes = tuple(_WILDCARD.split(path.name, maxsplit=1)[0] for path in paths)
        self._wake = wake
        self._finds_lines = finds_lines
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(RETRY_S)

    def _run(self) -> None:
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        while not self._stop.is_set():
            # No watches left, or a folder vanished: the engine polls meanwhile. The watcher is written in Rust, whose
            # panics are no Exception.
            has_changed = False
            with suppress(BaseException):
                has_changed = self._watch([folder for folder in self._folders if os.path.isdir(folder)])  # noqa: PTH112 - it raises no OSError
            if has_changed:
                self._wake()
                while not self._stop.wait(UNWATCHED_S) and self._finds_lines():
                    pass
            else:
                self._stop.wait(RETRY_S)

    def _watch(self, folders: list[Path]) -> bool:
        """Return when something changes, or cannot be watched any more: whether something has changed."""
        if not folders:
            return False
        changes = watch(
            *folders,
            watch_filter=self._is_relevant,
            debounce=DEBOUNCE_MS,
            step=DEBOUNCE_MS,
            stop_event=self._stop,
            raise_interrupt=False,
            recursive=False,
        )
        with closing(changes):
            return next(changes, None) is not None

    def _is_relevant(self, _: Change, path: str) -> bool:
        return Path(path).name.startswith(self._prefixes)
