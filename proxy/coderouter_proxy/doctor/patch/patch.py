"""Patches: fields to merge into those of a provider in providers.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, cast

import yaml

Patch = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A file before and after its patches; `path` is the file itself, never a link. With a `backup`, it is written."""

    path: Path
    before: str
    after: str
    backup: Path | None = None

    def diff(self) -> list[str]:
        """Return the lines of a unified diff."""
        before, after = self.before.splitlines(), self.after.splitlines()
        return list(unified_diff(before, after, str(self.path), str(self.path), lineterm=""))


def merge(below: Patch, above: Patch) -> dict[str, Any]:
    """Return `below` with the fields of `above`: nested mappings are merged too, anything else is replaced."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        both[key] = merge(cast("Patch", under), value) if nested else value
    return both


def merge_all(patches: Iterable[Patch]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for patch in patches:
        merged = merge(merged, patch)
    return merged


def as_yaml(patch: Patch, indent: int = 0) -> str:
    """Return the patch as it looks in providers.yaml, each line indented by so many spaces."""
    text = yaml.safe_dump(dict(patch), sort_keys=False, allow_unicode=True, default_flow_style=None)
    return "\n".join(f"{' ' * indent}{line}" for line in text.splitlines())
