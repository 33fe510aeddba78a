"""Cross-field validation of providers.yaml: values that are valid alone and contradict each other."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from coderouter_proxy.config.http_proxies import proxy_for
from coderouter_proxy.config.kinds import PROVIDER_KINDS
from coderouter_proxy.config.provider import KEY_FIELDS
from coderouter_proxy.config.schema import AUTO_PROFILE
from coderouter_proxy.config.validation import LocatedErrors, Location
from coderouter_proxy.config.values import http_url
from coderouter_proxy.redact import name_shown

BUILTIN_RULE_PROFILES = ("multi", "coding")


def cross_field_errors(data: Mapping[str, Any]) -> LocatedErrors:
    """Yield each error with its location.

    Reads the raw file, so that these errors are reported together with those of single fields.
    """
    yield from _repeated_names(data, "providers")
    yield from _repeated_names(data, "profiles")
    for index, provider in enumerate(_mappings(data.get("providers"))):
        if key := _key_beside_credentials(provider):
            message = f"has a user name or password beside {key}, and a request has one Authorization header"
            yield ("providers", index, "base_url"), f"{message}; remove one of them"
        if error := _error_of_environment(provider):
            yield ("providers", index, "base_url"), f"goes through a proxy, but {error}"
    for index, profile in enumerate(_mappings(data.get("profiles"))):
        if profile.get("name") == AUTO_PROFILE:
            message = f"{AUTO_PROFILE!r} is reserved for the auto router; choose another name"
            yield ("profiles", index, "name"), message
    profiles = [entry.get("name") for entry in _mappings(data.get("profiles"))]
    for location, name in _named_profiles(data):
        if isinstance(name, str) and name not in profiles:
            known = ", ".join(name_shown(str(profile)) for profile in profiles) or "none"
            yield location, f"there is no profile {name_shown(name)!r}; known profiles: {known}"


def _key_beside_credentials(provider: Mapping[str, Any]) -> str | None:
    """Return the field whose key goes into the same header as the credentials in `base_url`, if both are given."""
    url, headers = provider.get("base_url"), provider.get("headers")
    if not isinstance(url, str) or "@" not in url.partition("://")[2].partition("/")[0]:
        return None
    kind = PROVIDER_KINDS.get(str(provider.get("kind", "openai_compat")))
    if kind is not None and kind.key_header == "authorization":
        for field in KEY_FIELDS:
            if provider.get(field) is not None:
                return field
    named = headers if isinstance(headers, Mapping) else {}
    return "headers" if any(str(name).lower() == "authorization" for name in named) else None


def _error_of_environment(provider: Mapping[str, Any]) -> str | None:
    """Return why the HTTP proxy that the environment names for the provider cannot be used, if it names one."""
    try:
        url = http_url(str(provider.get("base_url")))
    except ValueError:  # which is an error of its own
        return None
    own = provider.get("http_proxy")
    try:
        proxy_for(url, own if isinstance(own, str) else None, os.environ)
    except ValueError as error:
        return str(error)
    return None


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
    """Yield each location that names a profile, with the name; `auto` stands for those that its rules name."""
    router = data.get("auto_router")
    default: tuple[Location, object] = (("default_profile",), data.get("default_profile", "default"))
    mapped = _targets(data, "model_map")
    for location, target in (default, *_targets(data, "mode_aliases"), *mapped):
        if target != AUTO_PROFILE:
            yield location, target
    automatic = [location for location, target in (default, *mapped) if target == AUTO_PROFILE]
    if isinstance(router, Mapping):
        for index, rule in enumerate(_mappings(router.get("rules"))):
            yield ("auto_router", "rules", index, "profile"), rule.get("profile")
        yield ("auto_router", "default_rule_profile"), router.get("default_rule_profile", "writing")
    elif automatic:
        yield automatic[0], "writing"
    if automatic and not (isinstance(router, Mapping) and (router.get("rules") or router.get("disabled"))):
        for name in BUILTIN_RULE_PROFILES:
            yield automatic[0], name


def _targets(data: Mapping[str, Any], section: str) -> list[tuple[Location, object]]:
    """Return the location of each entry of a mapping to profiles, with the profile."""
    entries = data.get(section)
    if not isinstance(entries, Mapping):
        return []
    return [((section, str(name)), target) for name, target in entries.items()]


def _mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the list with an empty mapping for each entry that is not one, so that indices stay the same."""
    return [entry if isinstance(entry, Mapping) else {} for entry in value] if isinstance(value, list) else []
