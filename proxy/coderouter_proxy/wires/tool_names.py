"""Names of tools: as the OpenAI wire has them, and as models write them in calls.

The OpenAI wire takes at most 64 letters, digits, `_` and `-`; Anthropic allows 128.
"""

import hashlib
import re
from collections.abc import Iterable

from coderouter_proxy.wires.json_values import words

NAME_CHARS_MAX = 64
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_HASH_CHARS = 8


class ToolNames:
    """Shortens names, always in the same way, and maps short names in calls back."""

    def __init__(self, names: Iterable[str]) -> None:
        self._long = {shortened: name for name in names if (shortened := short(name)) != name}

    def long(self, name: str) -> str:
        """Return the client's name for the one the provider used."""
        return self._long.get(name, name)


def called(given: object) -> str:
    """Return the name in a call, without white space, or marks of gpt-oss behind it: `ls<|channel|>commentary`."""
    name = words(given).strip()
    return name.partition("<|")[0].rstrip() or name


def short(name: str) -> str:
    """Return the name unchanged, or cut and with a hash of all of it at the end, so that names stay distinct."""
    if len(name) <= NAME_CHARS_MAX and not _OTHER.search(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_CHARS]
    return f"{_OTHER.sub('_', name)[: NAME_CHARS_MAX - _HASH_CHARS - 1]}_{digest}"
