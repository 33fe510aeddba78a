"""Finds the event files that a glob matches, and says why it may match none."""

import glob
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from coderouter_exporter.tail.names import is_rotated
from coderouter_exporter.tail.trouble import Kind, Trouble, reason_of, unreadable

FOLDERS_MAX = 1000
_LITERAL_BRACKET = "no file matches; for a [ in the name itself, write [[]"


class Pattern:
    """A glob. A file whose name is the glob itself, such as `a[1].jsonl`, is matched too."""

    def __init__(self, glob_path: Path, is_own: Callable[[Path], bool]) -> None:
        self._glob = glob_path
        self._is_own = is_own
        self.troubles: list[Trouble] = []
        """Those of the last search: folders that cannot be searched, or that nothing was found."""

    def matches(self, path: Path) -> bool:
        return path.match(str(self._glob))

    def search(self) -> list[Path]:
        """Return the event files that match, in order; neither rotated files nor files of our own."""
        names = (Path(name) for name in glob.iglob(str(self._glob)))  # noqa: PTH207 - it is absolute
        found = {path for path in names if not is_rotated(path.name) and not self._is_own(path)}
        if os.path.lexists(self._glob):
            found.add(self._glob)
        self.troubles = list(self._unsearchable())
        if not found and not self.troubles:
            reason = _LITERAL_BRACKET if "[" in str(self._glob) else "no file matches"
            self.troubles.append(Trouble(path=self._glob, reason=reason, kind=Kind.ABSENT))
        return sorted(found)

    def _unsearchable(self) -> Iterator[Trouble]:
        """Yield the folders that may hold a match but cannot be searched; a glob leaves them out silently."""
        parent = self._glob.parent
        folders = map(Path, glob.iglob(str(parent))) if glob.has_magic(str(parent)) else iter((parent,))  # noqa: PTH207
        for folder in islice(folders, FOLDERS_MAX):
            try:
                if glob.has_magic(self._glob.name):
                    os.scandir(folder).close()
                os.stat(os.path.join(folder, "."))  # noqa: PTH116, PTH118 - Path would remove the dot
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                yield unreadable(folder, reason_of(error))
