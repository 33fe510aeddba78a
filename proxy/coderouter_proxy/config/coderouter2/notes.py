"""What the keys of CodeRouter 2.x in a file have become, for people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from coderouter_proxy.config.coderouter2.key import Verdict

LINES_SHOWN_MAX = 10


@dataclass(frozen=True, kw_only=True)
class Note:
    """A key of CodeRouter 2.x in a file, by its line and path: how close our counterpart is, and what it becomes.

    With `is_loss` a provider is skipped because of it, or a chain has none left.
    """

    line: int
    key: str
    verdict: Verdict
    text: str
    is_loss: bool = False

    def __str__(self) -> str:
        return f"{self.line}: {self.key}: {self.verdict}: {self.text}"


def summary(notes: Sequence[Note]) -> str:
    """Return how many there are of each verdict, and their lines."""
    lines = sorted({note.line for note in notes})
    shown = ", ".join(map(str, lines[:LINES_SHOWN_MAX]))
    more = f" and {len(lines) - LINES_SHOWN_MAX} more" if len(lines) > LINES_SHOWN_MAX else ""
    by_verdict = Counter(note.verdict for note in notes)
    counts = ", ".join(f"{by_verdict[verdict]} {verdict}" for verdict in Verdict if by_verdict[verdict])
    settings = f"{len(notes)} settings" if len(notes) > 1 else "1 setting"
    return (
        f"has {settings} of CodeRouter 2.x: {counts} (line{'s' if len(lines) > 1 else ''} {shown}{more});"
        " `coderouter check-config` lists them, `coderouter migrate` writes ours"
    )
