"""Which keys of a decoded file are those of CodeRouter 2.x, and the edits that turn them into ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from coderouter_proxy.config.coderouter2 import keys, provider_keys
from coderouter_proxy.config.coderouter2.key import Key, Verdict
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.redact import name_shown

Location = tuple[str | int, ...]

NO_PROVIDER = "none of its providers is left, so its requests get an error; name another provider"
FOREIGN_SECTIONS = ("providers[].credential",)
"""Mappings that ours do not have, so that an unknown key in them is found here."""

_CHANGED: dict[str, list[Key]] = {}
for _key in keys.KEYS:
    if not _key.is_ours:
        _CHANGED.setdefault(_key.path, []).append(_key)
_OURS = frozenset(key.path for key in keys.KEYS if key.is_ours)
_SECTIONS = frozenset(key.section for key in keys.KEYS)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """What is at `location` is left out, if that is not None, and `value` is set at `target`, if that is not.

    `source` is where the value is from, if not from `location`.
    """

    location: Location | None
    target: Location | None = None
    value: Any = None
    source: Location | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A key of 2.x in the file: how close our counterpart is, and what it becomes or where to look instead."""

    location: Location
    verdict: Verdict
    text: str
    is_loss: bool = False


@dataclass(frozen=True)
class Plan:
    edits: list[Edit] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    errors: list[tuple[Location, str]] = field(default_factory=list)

    def skipped_providers(self) -> list[int]:
        """Return the indices of the providers that are left out."""
        located = (edit.location for edit in self.edits if edit.location and edit.location[0] == "providers")
        return [at[1] for at in located if len(at) == 2 and isinstance(at[1], int)]

    def add(self, other: "Plan") -> None:
        self.edits.extend(other.edits)
        self.found.extend(other.found)
        self.errors.extend(other.errors)


def plan(data: Mapping[str, Any]) -> Plan:
    """Return what turns the keys of 2.x in the file into ours; an empty plan where there are none."""
    made = Plan()
    _Section(made, data, "", (), data, ()).read()
    _shorten_chains(made, data)
    return made


def known_names(location: Location) -> list[str]:
    """Return the names of the keys of 2.x that may be where the last name of the location is."""
    path = "".join("[]" if isinstance(key, int) else f".{key}" for key in location[:-1])
    return sorted({key.name for key in keys.KEYS if key.section == path.removeprefix(".")})


@dataclass(frozen=True)
class _Section:
    """A mapping of the file, with the entry of `providers` or `profiles` that it is in."""

    plan: Plan
    data: Mapping[str, Any]
    path: str
    location: Location
    entry: Mapping[str, Any]
    entry_location: Location

    def read(self) -> None:
        before = len(self.plan.edits)
        for name, value in self.data.items():
            path = f"{self.path}.{name}" if self.path else str(name)
            here = (*self.location, name)
            rows = _CHANGED.get(path, [])
            key = next((key for key in rows if key.fits(value, self.data)), None)
            if path == provider_keys.PLUGIN.path:  # which decides about the whole provider
                continue
            if key is not None:
                self._change(key, value, here)
            elif path in _SECTIONS and isinstance(value, Mapping):
                replace(self, data=value, path=path, location=here).read()
            elif f"{path}[]" in _SECTIONS and isinstance(value, list):
                self._read_list(value, path, here)
            elif rows and path not in _OURS:
                self._refuse(here, f"should be {_either(rows)}")
            elif self.path in FOREIGN_SECTIONS:
                self._refuse(here, self._unknown(str(name)))
        self._collapse(before)

    def _read_list(self, entries: list[Any], path: str, here: Location) -> None:
        for index, entry in enumerate(entries):
            if not isinstance(entry, Mapping):
                continue
            location = (*here, index)
            section = replace(self, data=entry, path=f"{path}[]", location=location)
            if len(here) > 1:
                section.read()
            elif path == "providers" and (key := _of_other_kind(entry)) is not None:
                self.plan.edits.append(Edit(location=location))
                text = f"provider {name_shown(str(entry.get('name')))!r} is skipped: {key.text}"
                self.plan.found.append(
                    Found(location=(*location, "kind"), verdict=key.verdict, text=text, is_loss=True)
                )
            else:
                made = Plan()
                replace(section, plan=made, entry=entry, entry_location=location).read()
                self.plan.add(made)

    def _change(self, key: Key, value: Any, here: Location) -> None:  # noqa: ANN401 - whatever the file has
        found = Found(location=here, verdict=key.verdict, text=key.text)
        edit = Edit(location=here)
        if key.to:
            target = (*self.entry_location, *key.to.split("."))
            if value is None:
                found = replace(found, verdict=Verdict.NO_EFFECT, text="has no value")
            elif self._is_set(target):
                found = replace(found, verdict=Verdict.NO_EFFECT, text=f"`{key.to}` beside it decides")
            else:
                try:
                    edit = Edit(location=here, target=target, value=key.value(value, self.data))
                except ValueError as error:
                    self.plan.errors.append((here, f"{error}; correct it or remove it"))  # and is left out
        self.plan.edits.append(edit)
        self.plan.found.append(found)

    def _refuse(self, here: Location, message: str) -> None:
        """Report the error here, and not again where the schema is checked."""
        self.plan.errors.append((here, message))
        self.plan.edits.append(Edit(location=here))

    def _is_set(self, target: Location) -> bool:
        """Return whether the file has a value at the target, or another key of 2.x becomes it."""
        if any(edit.target == target for edit in self.plan.edits):
            return True
        value: Any = self.entry
        for name in target[len(self.entry_location) :]:
            value = value.get(name) if isinstance(value, Mapping) else value
        return value is not None

    def _unknown(self, name: str) -> str:
        known = known_names((*self.location, name))
        near = get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        return f"is not a known field; {meant}known fields: {', '.join(known)}"

    def _collapse(self, before: int) -> None:
        """Leave out the whole mapping if all that was in it is left out; an empty one may mean something else."""
        if not self.location or isinstance(self.location[-1], int):
            return
        own = self.plan.edits[before:]
        stays = any(edit.target and edit.target[: len(self.location)] == self.location for edit in own)
        if own and not stays and len(own) == len(self.data):
            moved = [
                replace(edit, location=None, source=edit.source or edit.location)
                for edit in own
                if edit.target is not None
            ]
            first = moved[0] if moved else Edit(location=None)
            self.plan.edits[before:] = [replace(first, location=self.location), *moved[1:]]


def _shorten_chains(made: Plan, data: Mapping[str, Any]) -> None:
    """Leave out the names of skipped providers in the chains that keep others."""
    skipped = {str(data["providers"][index].get("name")) for index in made.skipped_providers()}
    profiles = data.get("profiles")
    for index, profile in enumerate(profiles if skipped and isinstance(profiles, list) else []):
        chain = profile.get("providers") if isinstance(profile, Mapping) else None
        if not isinstance(chain, list):
            continue
        here = ("profiles", index, "providers")
        left_out = [at for at, name in enumerate(chain) if isinstance(name, str) and name in skipped]
        if left_out and len(left_out) == len(chain):
            made.found.append(Found(location=here, verdict=Verdict.NO_EFFECT, text=NO_PROVIDER, is_loss=True))
        else:
            made.edits.extend(Edit(location=(*here, at)) for at in left_out)


def _of_other_kind(provider: Mapping[str, Any]) -> Key | None:
    """Return the row of a kind that we do not have; None also for a misspelt one of ours."""
    kind = provider.get("kind")
    if (
        not isinstance(kind, str)
        or not kind
        or kind in PROVIDER_KINDS
        or kind.lower() in provider_keys.SERVERS
    ):
        return None
    if get_close_matches(kind, PROVIDER_KINDS, n=1):
        return None
    return next(key for key in _CHANGED[provider_keys.PLUGIN.path] if key.fits(kind, provider))


def _either(rows: Sequence[Key]) -> str:
    return " or ".join(dict.fromkeys(str(value) for row in rows for value in row.values)) or "something else"
