"""The one place where numbers of tokens are read, whatever the wire: nothing that a server reports is trusted."""

from operator import is_
from typing import Final

from coderouter_proxy.request import Body

TOKENS_MAX: Final = 10**9
"""Of one answer; a larger number is not one of tokens."""
_OTHER_NAMES: Final = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
}


class TokenReport:
    """Reads numbers of tokens from what a server reports; one that makes no sense counts as missing."""

    def __init__(self) -> None:
        self.nonsense = False
        """A field held something other than a number of tokens."""

    def count(self, usage: object, *fields: str) -> int | None:
        """Return the number of tokens in the first of the fields that holds one; None if none does."""
        if not isinstance(usage, dict):
            return None
        for field in fields:
            value = usage.get(field)
            if value is None:
                continue
            if type(value) is int and 0 <= value <= TOKENS_MAX:  # nearly always
                return value
            tokens = tokens_in(value)
            if tokens is not None:
                return tokens
            self.nonsense = True
        return None


def tokens_in(value: object) -> int | None:
    """Return the value as a number of tokens: whole, from 0 to `TOKENS_MAX`, and not a boolean; None if it is not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= TOKENS_MAX else None


def in_shape(usage: object, *required: str) -> Body | None:
    """Return a reported usage as clients can read it, the same object if they can; None if nothing of it is left.

    Values that are not numbers of tokens are left out. Missing `required` fields get the value that another wire has
    under its own name, or 0.
    """
    if not isinstance(usage, dict) or not usage:
        return None
    kept = {name: _whole(name, value) for name, value in usage.items() if _fits(name, value)}
    if not kept:
        return None
    for name, value in kept.items():
        if isinstance(value, dict):
            kept[name] = in_shape(value)
    missing = [name for name in required if type(kept.get(name)) is not int]
    kept |= {name: tokens_in(kept.get(_OTHER_NAMES[name])) or 0 for name in missing}
    return usage if kept == usage and all(map(is_, kept.values(), usage.values())) else kept


def _whole(name: str, value: object) -> object:
    return int(value) if isinstance(value, float) and name.endswith("_tokens") else value


def _fits(name: str, value: object) -> bool:
    if name.endswith("_tokens_details"):
        return isinstance(value, dict | None)
    return not name.endswith("_tokens") or value is None or tokens_in(value) is not None
