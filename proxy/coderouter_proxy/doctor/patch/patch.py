"""Patches: fields of a provider that are laid over those it has in providers.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, cast

import yaml

Patch = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What patches make of a file; `path` is the file itself, not a link to it. With a `backup` it is written."""

    path: Path
    before: str
    after: str
    backup: Path | None = None

    def difference(self) -> list[str]:
        """Return the lines of a unified diff."""
        before, after = self.before.splitlines(), self.after.splitlines()
        return list(unified_diff(before, after, str(self.path), str(self.path), lineterm=""))


def merged(below: Patch, above: Patch) -> dict[str, Any]:
    """Return one laid over the other: mappings inside are merged as well, all else is replaced."""
    both = dict(below)
    for key, value in above.items():
        under = both.get(key)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        both[key] = merged(cast("Patch", under), value) if nested else value
    return both


def in_one(patches: Iterable[Patch]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for patch in patches:
        whole = merged(whole, patch)
    return whole


def as_yaml(patch: Patch, indent: int = 0) -> str:
    """Return the patch as providers.yaml would have it, each line with so many blanks before it."""
    text = yaml.safe_dump(dict(patch), sort_keys=False, allow_unicode=True, default_flow_style=None)
    return "\n".join(f"{' ' * indent}{line}" for line in text.splitlines())
