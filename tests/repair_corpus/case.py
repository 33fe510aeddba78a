"""A text of a model, and what a client has to get of it."""

from dataclasses import dataclass
from typing import Any, Literal

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Case:
    id: str
    """`<format>/<situation>`."""
    kind: Literal["call", "text", "filter"]
    text: str
    calls: tuple[Call, ...] = ()
    texts: tuple[str, ...]
    """What remains as text: one of these."""
    tools: Literal["own", "samples", "none"] = "own"
    """Which tools the request has."""
    filters: tuple[str, ...] = ()
    finish: str = "stop"
    source: str = ""
    """Template or document that specifies the format."""

    @property
    def format(self) -> str:
        return self.id.rpartition("/")[0]
