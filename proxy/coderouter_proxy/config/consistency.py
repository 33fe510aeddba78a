"""What is wrong between the fields of a providers.yaml, where each of them alone may be right."""

from collections.abc import Iterator, Mapping
from typing import Any

from coderouter_proxy.config.schema import AUTO_PROFILE
from coderouter_proxy.config.validation import Faults, Location

BUILTIN_RULE_PROFILES = ("multi", "coding")
EXAMPLES = (("base_url", "http://127.0.0.1:11434/v1"), ("model", "qwen2.5-coder:7b"))


def disagreements(data: Mapping[str, Any]) -> Faults:
    """Yield each fault with its place.

    Works on the raw file, so that these faults are told together with those of single fields.
    """
    yield from _repeated_names(data, "providers")
    yield from _repeated_names(data, "profiles")
    for index, profile in enumerate(_mappings(data.get("profiles"))):
        if profile.get("name") == AUTO_PROFILE:
            yield ("profiles", index, "name"), f"{AUTO_PROFILE!r} is the auto router; take another name"
    for index, provider in enumerate(_mappings(data.get("providers"))):
        kind = provider.get("kind", "openai_compat")
        for field, example in EXAMPLES:
            if kind != "echo" and field not in provider:
                yield ("providers", index, field), f"is missing; add e.g. {field}: {example}"
    profiles = [entry.get("name") for entry in _mappings(data.get("profiles"))]
    for place, name in _named_profiles(data):
        if isinstance(name, str) and name not in profiles:
            known = ", ".join(str(profile) for profile in profiles) or "none"
            yield place, f"names the profile {name!r}, which is not among the profiles: {known}"


def _repeated_names(data: Mapping[str, Any], section: str) -> Faults:
    seen: set[str] = set()
    for index, entry in enumerate(_mappings(data.get(section))):
        name = entry.get("name")
        if isinstance(name, str) and name in seen:
            yield (section, index, "name"), f"{name!r} is taken by an earlier entry; names are unique"
        seen.add(str(name))


def _named_profiles(data: Mapping[str, Any]) -> Iterator[tuple[Location, object]]:
    """Yield each place that names a profile, with the name; `auto` needs none."""
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
    """Return the list with an empty mapping in place of whatever is none, so that indices stay."""
    return [entry if isinstance(entry, Mapping) else {} for entry in value] if isinstance(value, list) else []
