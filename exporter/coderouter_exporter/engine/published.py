"""What the loop publishes: the last commit, and how it is doing."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from coderouter_exporter.engine.event_files import EventFile
from coderouter_exporter.names import shown
from coderouter_exporter.rows.outbox import Unsent
from coderouter_exporter.state.cardinality import Labels
from coderouter_exporter.state.document import Document
from coderouter_exporter.tail.trouble import REPORTED_MAX, Kind, Trouble


@dataclass(frozen=True, kw_only=True)
class SourceStatus:
    """An event file, or another path that keeps events from being read."""

    path: Path
    readable: bool
    bytes_behind: int = 0
    reason: str = ""
    """Why it cannot be read."""
    kind: Kind | None = None

    @property
    def name(self) -> str:
        return shown(self.path)


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a scrape sees: the last commit and the status of the loop."""

    document: Document
    """Of the state that was committed last."""
    caught_up: bool
    unavailable: str = ""
    """Why no totals can be served: those at hand are lower than what was served before."""
    backlog: int = 0
    """Parts of what is committed that have not become rows yet."""
    unsent: Unsent | None = None
    """What is still to be exported, if anything is."""
    commits_failing: int = 0
    passes_failing: int = 0
    commit_duration_s: float = 0.0
    files_pending: int = 0
    sources: tuple[SourceStatus, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not ready; empty when it is."""
        found = [self.unavailable] if self.unavailable else []
        if self.passes_failing:
            found.append("an error in the exporter; see its log")
        if self.commits_failing:
            found.append("the state file cannot be written")
        if not self.caught_up and not found:
            found.append("still catching up")
        found += [
            f"{source.name}: {source.reason}"
            for source in self.sources
            if source.kind not in (None, Kind.WAITING)
        ]
        return tuple(found)

    @property
    def ready(self) -> bool:
        return not self.reasons

    @property
    def bytes_behind(self) -> int:
        return sum(source.bytes_behind for source in self.sources)

    @property
    def doubts(self) -> dict[Labels, int]:
        """Return why the totals may lack events that were written, by reason."""
        is_behind = not self.caught_up or self.unavailable
        return {
            ("catching_up",): max(1, self.bytes_behind) if is_behind else 0,
            ("file_unreadable",): sum(source.kind is Kind.UNREADABLE for source in self.sources),
            ("commits_failing",): self.commits_failing,
            ("passes_failing",): self.passes_failing,
        }


def source_statuses(files: Iterable[EventFile], troubles: Iterable[Trouble]) -> tuple[SourceStatus, ...]:
    """Return the status of each event file, and of other paths in trouble."""
    other = {trouble.path: trouble for trouble in troubles}
    own = [(file, other.pop(file.path, None)) for file in files]
    return (
        *(
            SourceStatus(
                path=file.path,
                readable=bool(file.readable),
                bytes_behind=file.bytes_behind(),
                reason=trouble.reason if trouble else "",
                kind=trouble.kind if trouble else None,
            )
            for file, trouble in own
        ),
        *(
            SourceStatus(path=trouble.path, readable=False, reason=trouble.reason, kind=trouble.kind)
            for trouble in islice(other.values(), REPORTED_MAX)
        ),
    )
