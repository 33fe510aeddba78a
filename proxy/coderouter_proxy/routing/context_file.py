"""The file that keeps what was learnt about contexts: windows, and how providers count tokens.

It is JSON: by the fingerprint of a provider's kind, address and model, the window that its server reported, and the
tokens of the requests that it answered, as estimated and as reported.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import orjson

from coderouter_events import private
from coderouter_proxy.wires.token_report import TOKENS_MAX, tokens_in

NAME = "contexts.json"
FILE_MODE = 0o600
FILE_BYTES_MAX = 1024 * 1024
ENTRIES_MAX = 256
"""The newest; a provider that is configured again learns again."""
TOTAL_MAX = TOKENS_MAX * 100.0
RATIO_MIN, RATIO_MAX = 0.5, 4.0
"""Of reported to estimated tokens; beyond it the server has cut the prompt, or does not count all of it."""


@dataclass(slots=True)
class Learnt:
    """What is known of one server and model; `estimated` and `reported` add up tokens, older ones with less weight."""

    window: int | None = None
    estimated: float = 0.0
    reported: float = 0.0

    @property
    def ratio(self) -> float:
        """How many tokens the provider reports for each estimated one."""
        return self.reported / self.estimated if self.estimated > 0 else 1.0

    def copy(self) -> Self:
        return replace(self)

    def count_as(self, other: "Learnt") -> None:
        self.estimated, self.reported = other.estimated, other.reported


def read(path: Path) -> dict[str, Learnt]:
    """Return what the file holds, without entries that make no sense; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            decoded = orjson.loads(file.read(FILE_BYTES_MAX))
    except (OSError, orjson.JSONDecodeError):
        return {}
    entries = decoded.items() if isinstance(decoded, dict) else ()
    return {origin: learnt for origin, entry in entries if (learnt := _learnt(entry)) is not None}


def merge(path: Path, newer: Mapping[str, Learnt]) -> dict[str, Learnt]:
    """Put these entries into the file, and return all that it holds then.

    The file is replaced at once, by one process at a time.

    Raises:
        OSError: it cannot be written, or another process is writing it.
    """
    private.make_folder(path.parent)
    new = path.with_name(path.name + ".new")
    fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(fd, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_ino != new.stat().st_ino:
            raise BlockingIOError(f"{new} was replaced meanwhile")
        known = {origin: entry for origin, entry in read(path).items() if origin not in newer}
        merged = dict([*known.items(), *newer.items()][-ENTRIES_MAX:])
        file.truncate()
        file.write(orjson.dumps({origin: asdict(entry) for origin, entry in merged.items()}))
        file.flush()
        new.rename(path)
    return merged


def _learnt(entry: object) -> Learnt | None:
    if not isinstance(entry, dict):
        return None
    window, totals = entry.get("window"), [entry.get(name) for name in ("estimated", "reported")]
    numbers = [float(each) for each in totals if isinstance(each, int | float) and 0 <= each <= TOTAL_MAX]
    if len(numbers) < len(totals) or not (window is None or tokens_in(window)):
        return None
    learnt = Learnt(tokens_in(window), *numbers)
    return learnt if RATIO_MIN <= learnt.ratio <= RATIO_MAX else None
