"""What a reload changed, as far as its events say."""

from collections.abc import Iterator, Mapping
from typing import Any

PLAIN = ("default_profile", "allow_paid", "mode_source", "display_timezone")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each setting, provider and profile that differs between the two events."""
    for name in PLAIN:
        if before.get(name) != after.get(name):
            yield f"{name}: {_shown(before.get(name))} → {_shown(after.get(name))}"
    yield from _of("provider", _catalog(before), _catalog(after))
    yield from _of("profile", before.get("chains", {}), after.get("chains", {}))


def _catalog(event: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry for entry in event.get("catalog", [])}


def _of(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield f"{what} {name} was removed"
        elif name not in before:
            yield f"{what} {name} is new: {_shown(after[name])}"
        elif before[name] != after[name]:
            yield f"{what} {name}: {_difference(before[name], after[name])}"


def _difference(before: Any, after: Any) -> str:  # noqa: ANN401 - of an event
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return f"{_shown(before)} → {_shown(after)}"
    fields = (field for field in dict.fromkeys([*before, *after]) if before.get(field) != after.get(field))
    return ", ".join(f"{field} {_shown(before.get(field))} → {_shown(after.get(field))}" for field in fields)


def _shown(value: Any) -> str:  # noqa: ANN401 - of an event
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items() if each and name != "name")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return {True: "true", False: "false", None: "none"}.get(value, str(value))
