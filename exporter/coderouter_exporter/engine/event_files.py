"""What the engine reads: event files, each of them one series of lines."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.state.checkpoint import Checkpoint
from coderouter_exporter.tail.noticed import Noticed
from coderouter_exporter.tail.shared import IsOurWriter
from coderouter_exporter.tail.trouble import Trouble


class EventFile(Protocol):
    """As described at `Tail`."""

    @property
    def path(self) -> Path: ...

    @property
    def readable(self) -> bool | None: ...

    @property
    def needs_another_pass(self) -> bool: ...

    def poll(self) -> Noticed: ...

    def chunks(self) -> Iterator[Chunk]: ...

    def close_finished(self) -> Noticed: ...

    def bytes_behind(self) -> int: ...

    def files_pending(self) -> int: ...


class EventFiles(Protocol):
    """As described at `Sources`."""

    @property
    def tails(self) -> Sequence[EventFile]: ...

    def expand(self) -> None: ...

    def troubles(self) -> list[Trouble]: ...

    def forget_long_gone(self) -> Noticed: ...

    def checkpoints(self) -> list[Checkpoint]: ...

    def close(self) -> None: ...


OpenFiles = Callable[[Sequence[Checkpoint], IsOurWriter], EventFiles]
"""Returns the event files, to be read from these checkpoints on."""
