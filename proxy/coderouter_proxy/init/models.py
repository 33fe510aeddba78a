"""Rank the models of a server by how well they suit a coding agent."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NO_CHAT = re.compile(
    r"embed|rerank|\bbge\b|\bgte\b|\be5\b|minilm|paraphrase|bert|whisper|\btts\b|\bocr\b|guard|moderation",
    re.IGNORECASE,
)
_CODER = re.compile(r"code|coder|coding|codestral|devstral", re.IGNORECASE)
_BASE = re.compile(r"\b(base|text|fim)\b", re.IGNORECASE)  # completes text and does not follow instructions
_CLOUD = re.compile(r"\bcloud$")  # Ollama forwards it to its own cloud
_BILLIONS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b\b", re.IGNORECASE)


@dataclass(frozen=True)
class Model:
    name: str
    billions: float = 0  # of parameters; 0 when unknown

    @property
    def runs_elsewhere(self) -> bool:
        return bool(_CLOUD.search(self.name))


def read(entry: Mapping[str, Any]) -> Model | None:
    """Return the model of an entry in a server's list; None if it is not a chat model."""
    name = entry.get("id") or entry.get("name")
    details = entry.get("details")
    details = details if isinstance(details, dict) else {}
    kinds = [name, entry.get("type"), details.get("family"), *(details.get("families") or ())]
    # A line break would end the comment that names the model, and the rest would be read as configuration.
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or any(_NO_CHAT.search(str(kind)) for kind in kinds)
    ):
        return None
    size = _BILLIONS.search(str(details.get("parameter_size", ""))) or _BILLIONS.search(name)
    return Model(name, float(size[1]) if size else 0)


def best_first(found: Sequence[Model]) -> list[Model]:
    """Return the best models first: those that run here, follow instructions, write code; then the largest."""
    return sorted(found, key=_rank)


def _rank(model: Model) -> tuple[bool, bool, bool, float]:
    base = bool(_BASE.search(model.name))
    return model.runs_elsewhere, base, not _CODER.search(model.name), -model.billions
