"""Which of the models that a server has is best for an agent that writes code."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NO_CHAT = re.compile(
    r"embed|rerank|\bbge\b|\bgte\b|\be5\b|minilm|paraphrase|bert|whisper|\btts\b|\bocr\b|guard|moderation",
    re.IGNORECASE,
)
_CODER = re.compile(r"code|coder|coding|codestral|devstral", re.IGNORECASE)
_BASE = re.compile(r"\b(base|text|fim)\b", re.IGNORECASE)  # completes text and follows no instruction
_CLOUD = re.compile(r"\bcloud$")  # Ollama passes it on to its own cloud
_BILLIONS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b\b", re.IGNORECASE)


@dataclass(frozen=True)
class Model:
    name: str
    billions: float = 0  # of parameters; 0 when it is not told

    @property
    def runs_elsewhere(self) -> bool:
        return bool(_CLOUD.search(self.name))


def read(entry: Mapping[str, Any]) -> Model | None:
    """Return the model that an entry of a server's list tells of; None when it is not one to chat with."""
    name = entry.get("id") or entry.get("name")
    details = entry.get("details")
    details = details if isinstance(details, dict) else {}
    kinds = [name, entry.get("type"), details.get("family"), *(details.get("families") or ())]
    # What cannot be printed would end the comment that names it, and go on as configuration.
    if (
        not isinstance(name, str)
        or not name.isprintable()
        or any(_NO_CHAT.search(str(kind)) for kind in kinds)
    ):
        return None
    told = _BILLIONS.search(str(details.get("parameter_size", ""))) or _BILLIONS.search(name)
    return Model(name, float(told[1]) if told else 0)


def best_first(found: Sequence[Model]) -> list[Model]:
    """Return the models, those first that run here, write code and follow instructions; of these the largest."""
    return sorted(found, key=_rank)


def _rank(model: Model) -> tuple[bool, bool, bool, float]:
    base = bool(_BASE.search(model.name))
    return model.runs_elsewhere, base, not _CODER.search(model.name), -model.billions
