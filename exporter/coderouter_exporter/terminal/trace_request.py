"""Finds one request and shows its story."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import click

from coderouter_exporter.terminal import client, event_files, output, story, words
from coderouter_exporter.terminal.client import NotKept, Row

PREFIX_CHARS_MIN = 4
LISTED_MAX = 5
EVENTS_HINT = "to read the event files: coderouter trace {} --events ~/.coderouter/events.jsonl"


class NotFound(Exception):
    """There is not exactly one such request; the message says why, and what to do."""


@dataclass(frozen=True)
class Traced:
    row: Row
    source: str
    """Where the story was read."""
    zone: str | None = None
    problems: Sequence[str] = field(default=())


def from_exporter(url: str, request_id: str) -> Traced:
    """Return the request with this id, or else the only one whose id begins with it.

    Raises:
        NotFound, ExporterUnreachable
    """
    zone = client.get(url, "/status")["zone"]
    source = f"the exporter at {client.shown(url)}"
    try:
        return Traced(_kept(url, request_id), source, zone)
    except NotKept:
        pass
    ids = [
        row["request_id"]
        for row in (client.rows(url) if len(request_id) >= PREFIX_CHARS_MIN else ())
        if row["request_id"].startswith(request_id)
    ]
    hint = EVENTS_HINT.format(request_id)
    only = _only(list(dict.fromkeys(ids)), request_id, source, f"is too old, or not read yet; {hint}")
    return Traced(_kept(url, only), source, zone)


def _kept(url: str, request_id: str) -> Row:
    return client.get(url, f"/requests/{quote(request_id, safe='')}")


def from_files(paths: Sequence[Path], request_id: str) -> Traced:
    """Return the request that the event files, or what rotation made of them, have under this id.

    Raises:
        NotFound, NoEvents
    """
    found = event_files.find(request_id, event_files.with_rotated(paths))
    if not found.read:
        raise NotFound("; ".join(found.problems))
    names = ", ".join(path.name for path in found.read)
    problems = "".join(f"; {problem}" for problem in found.problems)
    ids = list(found.records)
    only = request_id if request_id in ids else _only(ids, request_id, names, f"is in none of them{problems}")
    row = found.story(only)
    if row is None:
        raise NotFound(f"{names} name {words.clean(only)!r}, but have no event of its story")
    return Traced(row, ", ".join(map(str, found.files[only])), problems=found.problems)


def _only(ids: Sequence[str], wanted: str, where: str, otherwise: str) -> str:
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise NotFound(f"{where} has no request {words.clean(wanted)[:100]!r}: it {otherwise}")
    shown = ", ".join(map(words.clean, ids[:LISTED_MAX]))
    more = f" and {len(ids) - LISTED_MAX:,} more" if len(ids) > LISTED_MAX else ""
    raise NotFound(f"{words.clean(wanted)!r} is the beginning of {len(ids):,} requests: {shown}{more}")


def show(found: Traced, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found.row, ensure_ascii=False, indent=2))
        return
    console = output.console()
    for part in story.parts(found.row, found.source, words.zone_named(found.zone), console.width):
        console.print(part)
