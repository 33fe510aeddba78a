"""Merge settings into the text of an agent's JSON or TOML file; everything else in it stays."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HEADER = re.compile(r"^\s*\[", re.MULTILINE)


class CannotMerge(Exception):
    """The file is not plain JSON or TOML, or has the settings in a form that is not recognised; the message says so."""


def merged_text(path: Path, before: str, settings: Mapping[str, Any]) -> str:
    """Return the text with the settings in it.

    Raises:
        CannotMerge
    """
    merge = _toml if path.suffix == ".toml" else _json
    try:
        return merge(before, settings)
    except (ValueError, RecursionError) as error:  # of either decoder
        raise CannotMerge(f"{path} is not plain {path.suffix[1:].upper()} ({error})") from None


def as_text(file: str, settings: Mapping[str, Any]) -> str:
    """Return the settings as the text of a new file of this name."""
    return merged_text(Path(file), "", settings)


def merged(below: Any, above: Any) -> Any:  # noqa: ANN401 - a decoded file
    """Return `below` with what is in `above`: mappings by key, lists of entries by their `name` or `id`."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}
    if isinstance(below, list) and isinstance(above, list) and all(map(_identity, [*below, *above])):
        return list({_identity(entry): entry for entry in [*below, *above]}.values())
    return above


def _identity(entry: object) -> object:
    return (entry.get("name") or entry.get("id")) if isinstance(entry, Mapping) else None


def _json(before: str, settings: Mapping[str, Any]) -> str:
    found = json.loads(before) if before.strip() else {}
    if not isinstance(found, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - as the decoder does
    return json.dumps(merged(found, settings), indent=2, ensure_ascii=False) + "\n"


def _toml(before: str, settings: Mapping[str, Any]) -> str:
    """Set the keys in front of the first table, and replace the tables, line by line: comments stay."""
    expected = _merged_toml(tomllib.loads(before), settings)
    first = HEADER.search(before)
    top, tables = (before[: first.start()], before[first.start() :]) if first else (before, "")
    for name, value in settings.items():
        if isinstance(value, Mapping):
            for inner, table in value.items():
                tables = _with_table(tables, f"{name}.{inner}", table)
        else:
            top = _with_key(top, name, value)
    separator = "\n" if top and tables and not top.endswith("\n\n") else ""
    after = top + separator + tables
    if tomllib.loads(after) != expected:
        raise ValueError("it has these settings in another form")
    return after


def _merged_toml(below: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the file should say: a table that we write replaces one of that name."""
    result = dict(below)
    for name, value in settings.items():
        result[name] = {**below.get(name, {}), **value} if isinstance(value, Mapping) else value
    return result


def _with_key(top: str, name: str, value: object) -> str:
    line = f"{name} = {_toml_value(value)}"
    found = re.compile(rf"^\s*{re.escape(name)}\s*=.*$", re.MULTILINE)
    if found.search(top):
        return found.sub(lambda _: line, top, count=1)
    kept = top.rstrip("\n")
    return f"{kept}\n{line}\n" if kept else f"{line}\n"


def _with_table(tables: str, name: str, table: Mapping[str, object]) -> str:
    lines = [f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in table.items())]
    text = "\n".join(lines) + "\n"
    found = re.search(rf"^\s*\[{re.escape(name)}\]\s*$", tables, re.MULTILINE)
    if found is None:
        return f"{tables.rstrip()}\n\n{text}" if tables.strip() else text
    following = HEADER.search(tables, found.end())
    rest = tables[following.start() :] if following else ""
    return tables[: found.start()] + text + ("\n" + rest.lstrip("\n") if rest else "")


def _toml_value(value: object) -> str:
    if isinstance(value, Mapping):
        inner = (f"{json.dumps(key)} = {_toml_value(each)}" for key, each in value.items())
        return f"{{ {', '.join(inner)} }}"
    return json.dumps(value, ensure_ascii=False)
