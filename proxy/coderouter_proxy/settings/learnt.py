"""What the running proxy has learnt about its providers, read from the end of its event file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from coderouter_events.events import ConfigReloaded, ProviderAdapted, Shutdown
from coderouter_proxy.config.traits import ProviderTraits, Traits
from coderouter_proxy.providers import adaptations
from coderouter_proxy.routing import capabilities
from coderouter_proxy.settings.launch import Settings

TAIL_BYTES = 4 * 1024 * 1024

_FORGETS = (ConfigReloaded.msg, Shutdown.msg)  # a writer that reloads or stops knows nothing more
_WORDS = tuple(f'"msg":"{msg}"'.encode() for msg in (ProviderAdapted.msg, *_FORGETS))


def changed(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the traits that differ from what is declared, by provider; only of providers that learnt something."""
    path = settings.launch.events_path
    events = _learnt(path) if path is not None and path.is_file() else []
    changed: dict[str, dict[str, Any]] = {}
    for provider in settings.config.providers:
        declared = capabilities.traits_of(provider, settings.rules)
        learnt = declared
        for event in events:
            if event["provider"] == provider.name:
                learnt = _with(learnt, event)
        if learnt != declared:
            changed[provider.name] = {
                name: value
                for name in Traits.model_fields
                if (value := getattr(learnt, name)) != getattr(declared, name)
            }
    return changed


def traits(settings: Settings, changed: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the `traits` for providers.yaml that make permanent what `changed` returned, by provider."""
    needed: dict[str, dict[str, Any]] = {}
    for provider in settings.config.providers:
        if provider.name in changed:
            own = provider.traits.model_dump(exclude_none=True)
            listed = {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in changed[provider.name].items()
            }
            needed[provider.name] = {**own, **listed}
    return needed


def _learnt(path: Path) -> list[dict[str, Any]]:
    """Return the adaptations that living writers remember, the newest last."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read(TAIL_BYTES).split(b"\n")[size > TAIL_BYTES :]
    except OSError:
        return []
    found: list[dict[str, Any]] = []
    for line in lines:
        if any(word in line for word in _WORDS) and (event := _decoded(line)) is not None:
            if event.get("msg") in _FORGETS:
                found = [each for each in found if each.get("writer") != event.get("writer")]
            elif event.get("msg") == ProviderAdapted.msg:
                found.append(event)
    return [event for event in found if _is_remembered(event)]


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


def _is_remembered(event: dict[str, Any]) -> bool:
    row = adaptations.BY_ID.get(str(event.get("reason")))
    known = row is not None and row.remembered and event.get("trait") == row.trait
    return known and isinstance(event.get("value"), str)


def _with(known: ProviderTraits, event: dict[str, Any]) -> ProviderTraits:
    try:
        return adaptations.applied(known, event["trait"], adaptations.parsed(event["trait"], event["value"]))
    except ValueError:  # of another version of the proxy
        return known
