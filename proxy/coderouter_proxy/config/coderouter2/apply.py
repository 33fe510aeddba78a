"""Apply the edits of a plan to the values of a file, and find where a value of the result is in the file."""

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any

from coderouter_proxy.config.coderouter2.plan import Edit, Location


def applied(data: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any]:
    """Return the values after the edits; `data` stays as it is, whatever is shared in it."""
    result: dict[str, Any] = _unshared(data)
    removed = [edit.location for edit in edits if edit.location is not None]
    for location in removed:
        if isinstance(location[-1], str):
            _at(result, location[:-1]).pop(location[-1], None)
    for edit in edits:
        if edit.target is not None:
            section: Any = result
            for name in edit.target[:-1]:
                section = section[name] if isinstance(name, int) else _mapping(section, name)
            section[edit.target[-1]] = edit.value
    entries = [each for each in removed if isinstance(each[-1], int)]
    for location in sorted(entries, key=lambda location: location[-1], reverse=True):
        # From the end of each list, so that earlier indices stay valid.
        del _at(result, location[:-1])[location[-1]]
    return result


class Origins:
    """Where in the file the values of the result are from."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._gone: dict[Location, list[int]] = {}
        self._sources: dict[Location, Location] = {}
        for edit in edits:
            if edit.location and isinstance(edit.location[-1], int):
                insort(self._gone.setdefault(edit.location[:-1], []), edit.location[-1])
            source = edit.source or edit.location
            if edit.target and source:
                self._sources[edit.target] = source

    def of(self, location: Location) -> Location:
        """Return the location in the file of the value, or of what it was made from."""
        found: Location = ()
        for key in location:
            found = (*found, self._index(found, key) if isinstance(key, int) else key)
            if found in self._sources:
                return self._sources[found]
        return found

    def _index(self, parent: Location, index: int) -> int:
        for gone in self._gone.get(parent, ()):
            if gone > index:
                break
            index += 1
        return index


def _at(data: Any, location: Location) -> Any:  # noqa: ANN401
    for key in location:
        data = data[key]
    return data


def _mapping(section: dict[str, Any], name: str) -> Any:  # noqa: ANN401
    """Return the mapping of that name; created if missing."""
    if section.get(name) is None:
        section[name] = {}
    return section[name]


def _unshared(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: _unshared(inner) for key, inner in value.items()}
    return [_unshared(inner) for inner in value] if isinstance(value, list) else value
