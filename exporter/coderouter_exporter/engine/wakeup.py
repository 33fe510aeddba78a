"""Wakes the engine when something happens in the folders of the event files. Only a hint: polling is the truth."""

import logging
import os
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, watch

DEBOUNCE_MS = 250
"""How long changes are collected, and how often the watcher wakes up. Less would cost an idle exporter CPU."""
RETRY_S = 5.0
_WILDCARD = re.compile(r"[*?\[]")


class Watcher:
    """Watches folders, not files: a watch on a file goes deaf when the file is renamed."""

    def __init__(self, paths: Sequence[Path], wake: Callable[[], None]) -> None:
        self._folders = sorted({path.parent for path in paths})
        self._prefixes = tuple(_WILDCARD.split(path.name, maxsplit=1)[0] for path in paths)
        self._wake = wake
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
            with suppress(BaseException):
                self._watch([folder for folder in self._folders if os.path.isdir(folder)])  # noqa: PTH112 - it raises no OSError
            self._stop.wait(RETRY_S)

    def _watch(self, folders: list[Path]) -> None:
        if not folders:
            return
        for _ in watch(
            *folders,
            watch_filter=self._is_relevant,
            debounce=DEBOUNCE_MS,
            step=DEBOUNCE_MS,
            stop_event=self._stop,
            raise_interrupt=False,
            recursive=False,
        ):
            self._wake()

    def _is_relevant(self, _: Change, path: str) -> bool:
        return Path(path).name.startswith(self._prefixes)
