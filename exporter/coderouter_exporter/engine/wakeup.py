"""Tells when something happened in the folders of the event files. Only a hint: polling finds everything too."""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, watch

GATHER_MS = 250
"""Changes are gathered so long, and the watcher wakes up so often; less would cost an idle exporter CPU."""
RETRY_S = 5.0
_WILDCARD = re.compile(r"[*?\[]")


class Watcher:
    """Watches folders, not files: a watch on a file goes deaf when the file is renamed."""

    def __init__(self, paths: Sequence[Path], wake: Callable[[], None]) -> None:
        self._folders = sorted({path.parent for path in paths})
        self._names = tuple(_WILDCARD.split(path.name, maxsplit=1)[0] for path in paths)
        self._wake_engine = wake
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
            with suppress(
                OSError, RuntimeError
            ):  # no watches left, or a folder vanished: polling goes on meanwhile
                self._watch([folder for folder in self._folders if folder.is_dir()])
            self._stop.wait(RETRY_S)

    def _watch(self, folders: list[Path]) -> None:
        if not folders:
            return
        for _ in watch(
            *folders,
            watch_filter=self._concerns,
            debounce=GATHER_MS,
            step=GATHER_MS,
            stop_event=self._stop,
            raise_interrupt=False,
            recursive=False,
        ):
            self._wake_engine()

    def _concerns(self, _: Change, path: str) -> bool:
        return Path(path).name.startswith(self._names)
