"""What the tails of one exporter share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coderouter_exporter.tail.content import Step, no_step
from coderouter_exporter.tail.open_file import Descriptors
from coderouter_exporter.tail.rotated import Folders

LATE_WRITER_S = 60.0
"""How long a rotated file stays open after its last growth, for a writer that has not noticed the rotation."""
OPEN_MAX = 128

IsOurWriter = Callable[[str], bool]
"""Returns whether the writer has written to a file at a configured path."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    olddir: Path | None = None
    rotated_globs: Sequence[str] = ()
    """Names of rotated files beside those of the naming rules."""
    is_other: Callable[[Path], bool] = lambda _: False
    """Whether the path is not a sibling of an event file: it is one itself, or belongs to our state."""
    is_our_writer: IsOurWriter = lambda _: True
    folders: Folders = field(default_factory=Folders)
    descriptors: Descriptors = field(default_factory=lambda: Descriptors(OPEN_MAX))
    step: Step = no_step
    late_writer_s: float = LATE_WRITER_S
