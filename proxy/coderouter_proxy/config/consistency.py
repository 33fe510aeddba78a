"""Cross-field validation of providers.yaml: values that are valid alone and wrong together."""

from collections.abc import Iterator, Mapping
from typing import Any

from coderouter_proxy.config.schema import AUTO_PROFILE
from coderouter_proxy.config.validation import LocatedErrors, Location
from coderouter_proxy.redact import name_shown

BUILTIN_RULE_PROFILES = ("multi", "coding")


def cross_field_errors(data: Mapping[str, Any]) -> LocatedErrors:
    """Yield each error with its location.

    Reads the raw file, so that these errors are reported together with those of single fields.
    """
    yield from _repeated_names(data, "providers")
    yield from _repeated_names(data, "profiles")
    for index, profile in enumerate(_mappings(data.get("profiles"))):
        if profile.get("name") == AUTO_PROFILE:
            message = f"{AUTO_PROFILE!r} is reserved for the auto router; choose another name"
            yield ("profiles", index, "name"), message
    profiles = [entry.get("name") for entry in _mappings(data.get("profiles"))]
    for location, name in _named_profiles(data):
        if isinstance(name, str) and name not in profiles:
            known = ", ".join(name_shown(str(profile)) for profile in profiles) or "none"
            yield location, f"there is no profile {name_shown(name)!r}; known profiles: {known}"


def _repeated_names(data: Mapping[str, Any], section: str) -> LocatedErrors:
    seen: set[str] = set()
    for index, entry in enumerate(_mappings(data.get(section))):
        name = entry.get("name")
        if isinstance(name, str) and name in seen:
            yield (
                (section, index, "name"),
                f"{name_shown(name)!r} is already used by an earlier entry; names must be unique",
            )
        seen.add(str(name))


def _named_profiles(data: Mapping[str, Any]) -> Iterator[tuple[Location, object]]:
    """Yield each location that names a profile, with the name; `auto` is none that has to be configured."""
    default = data.get("default_profile", "default")
    router = data.get("auto_router")
    if default != AUTO_PROFILE:
        yield ("default_profile",), default
    elif not isinstance(router, Mapping) or not (router.get("rules") or router.get("disabled")):
        for name in BUILTIN_RULE_PROFILES:
            yield ("default_profile",), name
    if isinstance(aliases := data.get("mode_aliases"), Mapping):
        for alias, target in aliases.items():
            if target != AUTO_PROFILE:
                yield ("mode_aliases", str(alias)), target
    if isinstance(router, Mapping):
        for index, rule in enumerate(_mappings(router.get("rules"))):
            yield ("auto_router", "rules", index, "profile"), rule.get("profile")
        yield ("auto_router", "default_rule_profile"), router.get("default_rule_profile", "writing")
    elif default == AUTO_PROFILE:
        yield ("default_profile",), "writing"


def _mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the list with an empty mapping for each entry that is not one, so that indices stay the same."""
    return [entry if isinstance(entry, Mapping) else {} for entry in value] if isinstance(value, list) else []
