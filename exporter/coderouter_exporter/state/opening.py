"""Opens the state file at the start, as often as it takes."""

import logging
import time
from pathlib import Path

import msgspec

from coderouter_exporter.names import shown
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.errors import StateError, explained
from coderouter_exporter.state.lock import close_fd, lock
from coderouter_exporter.state.state import State
from coderouter_exporter.state.store import Change, Store

log = logging.getLogger(__name__)


class Opening:
    """The state file before it is open. With `reset`, the one that is there is set aside first."""

    def __init__(
        self,
        path: Path,
        *,
        reset: bool = False,
        series_max: int = SERIES_MAX,
        create_tables: Change | None = None,
    ) -> None:
        self.path = path
        self._create_tables = create_tables
        self._reset = reset
        self._series_max = series_max

    def open(self) -> tuple[Store, State]:
        """Open the file and return its newest state, an empty one at the first start.

        Raises:
            StateError: a person has to repair something.
            StateUnavailable: it may work later.
        """
        if self._reset and (old := _set_aside(self.path)) is not None:
            log.warning("all totals restart at 0; the previous state is in %s", shown(old))
        self._reset = False
        store = Store(self.path, self._create_tables)
        try:
            state = _load(store)
        except BaseException:
            store.close()
            raise
        state.begin_native(time.time())
        state.series_max = self._series_max
        return store, state


def _load(store: Store) -> State:
    document = store.load()
    if document is None:
        return State(created_ts=time.time())
    if store.recovered:
        log.warning(
            "the newest generation of %s is damaged; continuing from the previous one", shown(store.path)
        )
    try:
        return document.decode()
    except msgspec.DecodeError as error:
        raise StateError(f"cannot read the state file {shown(store.path)} ({error})") from error


def _set_aside(path: Path) -> Path | None:
    """Rename the state file, so that the next start counts from 0; return its new name, or None if there is none.

    Raises:
        StateError: another exporter uses it.
        StateUnavailable: it cannot be renamed now.
    """
    lock_fd = lock(path)
    old = path.with_name(path.name + ".old")
    try:
        with explained(path):
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
            try:
                path.rename(old)
            except FileNotFoundError:
                return None
    finally:
        close_fd(lock_fd)
    return old
