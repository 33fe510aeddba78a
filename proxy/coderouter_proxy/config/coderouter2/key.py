"""One row of the table: a key of CodeRouter 2.x, how close our counterpart is, and what it becomes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Section = Mapping[str, Any]
"""The mapping that holds a key."""


class Verdict(StrEnum):
    """What becomes of a key."""

    SAME = "same"
    NEAR = "near"
    NO_EFFECT = "no effect"


def unchanged(value: object, _: Section) -> object:
    return value


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key by its path, such as `providers[].cost.monthly_budget_usd`; of several rows for it the first fits.

    `to` is the path of what it becomes, from the entry of `providers` or `profiles` on, and `value` returns its value
    there; it raises ValueError for one that makes no sense. Without `to` the key is left out, unless it is ours as
    well. `values` and `beside`, which names other keys of its section with their values, limit when the row applies;
    without values, any value does.
    """

    path: str
    verdict: Verdict
    text: str = ""
    to: str = ""
    value: Callable[[Any, Section], Any] = unchanged
    values: tuple[object, ...] = ()
    beside: Mapping[str, tuple[object, ...]] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """Whether our files have the same key, with the same meaning."""
        return self.verdict is Verdict.SAME and not self.to and not self.text

    @property
    def section(self) -> str:
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    def fits(self, value: object, section: Section) -> bool:
        """Return whether the row is about this value in this section."""
        return _is_one_of(value, self.values) and all(
            name in section and _is_one_of(section[name], values) for name, values in self.beside.items()
        )


def number(value: object) -> float:
    """Return the number, which may be written as text.

    Raises:
        ValueError: it is not a number, or negative.
    """
    is_text = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    found = float(value) if is_text else math.nan  # type: ignore[arg-type]
    if not 0 <= found < math.inf:
        raise ValueError("should be a number")
    return int(found) if found.is_integer() else found


def _is_one_of(value: object, values: tuple[object, ...]) -> bool:
    return not values or any(
        value is each or (value == each and type(value) is type(each)) for each in values
    )


def ours(section: str, *names: str) -> tuple[Key, ...]:
    """Return rows for keys that our files have as well."""
    return tuple(Key(path=f"{section}{name}", verdict=Verdict.SAME) for name in names)


def without_effect(section: str, text: str, *names: str) -> tuple[Key, ...]:
    """Return rows for keys that have no effect, for the same reason."""
    return tuple(Key(path=f"{section}{name}", verdict=Verdict.NO_EFFECT, text=text) for name in names)
