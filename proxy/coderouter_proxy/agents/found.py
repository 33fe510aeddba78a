"""Which base URLs the agents on this machine use, by their settings files and the environment."""

import json
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Pointer:
    """The base URL that an agent uses; None means that of its vendor. `suffix` is what it should end with."""

    agent: str
    """Its key."""
    place: str
    url: str | None
    suffix: str = ""


def pointers() -> list[Pointer]:
    """Return what is found for Claude Code, codex and opencode, and in the variables that SDKs read."""
    found = [*_claude_code(), *_codex(), *_opencode()]
    for agent, variable, suffix in (
        ("claude", "ANTHROPIC_BASE_URL", ""),
        ("openai", "OPENAI_BASE_URL", "/v1"),
    ):
        if url := os.environ.get(variable):
            found.append(Pointer(agent, f"${variable}", url, suffix))
    return found


def _claude_code() -> Iterator[Pointer]:
    files = ("~/.claude/settings.json", ".claude/settings.json", ".claude/settings.local.json")
    for place, settings in _read(files, json.loads):
        url = _at(settings, "env", "ANTHROPIC_BASE_URL")
        if place == files[0] or url is not None:
            yield Pointer("claude", place, _text(url))


def _codex() -> Iterator[Pointer]:
    home = os.environ.get("CODEX_HOME") or "~/.codex"
    for place, settings in _read((f"{home}/config.toml",), tomllib.loads):
        provider = _at(settings, "model_provider")
        url = _at(settings, "model_providers", provider, "base_url")
        yield Pointer("codex", place, _text(url), "/v1")


def _opencode() -> Iterator[Pointer]:
    folder = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    for place, settings in _read((f"{folder}/opencode/opencode.json", "opencode.json"), json.loads):
        model = _at(settings, "model")
        provider = str(model).partition("/")[0]
        url = _at(settings, "provider", provider, "options", "baseURL")
        yield Pointer("opencode", place, _text(url), "/v1")


def _read(files: tuple[str, ...], decode: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """Yield each file that exists and can be decoded, with its content; the agent itself reports the others."""
    seen: set[Path] = set()
    for file in files:
        path = Path(file).expanduser().absolute()
        with suppress(OSError, ValueError, RecursionError):
            if path.is_file() and path not in seen:
                seen.add(path)
                yield file, decode(path.read_text(encoding="utf-8"))


def _at(settings: object, *path: object) -> object:
    for key in path:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
