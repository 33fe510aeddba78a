"""Reads the story of one request from event files, rotated and compressed ones included."""

import json
import re
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coderouter_events.reasons import reason_of
from coderouter_exporter.offline.fold_files import whole_lines
from coderouter_exporter.offline.order import UNREADABLE, Source, Sources, UnreadableFile
from coderouter_exporter.queries.requests import request
from coderouter_exporter.records.decode import read_batch
from coderouter_exporter.records.record import Record
from coderouter_exporter.rows import requests, tables
from coderouter_exporter.tail.names import is_ours, is_sibling
from coderouter_exporter.terminal.client import Row


class NoEvents(Exception):
    """No event file can be read; the message says why."""


@dataclass
class Found:
    """The requests whose ids begin with what is looked for."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    files: dict[str, list[Path]] = field(default_factory=dict)
    """The files that have lines of the request, oldest first, by its id."""
    read: list[Path] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Files that could not be read, each with the reason."""

    def story(self, request_id: str) -> Row | None:
        """Return the request as the API does."""
        db = sqlite3.connect(":memory:")
        try:
            tables.create(db)
            requests.write(db, self.records[request_id], time.time())
            return request(db, request_id[: requests.REQUEST_ID_CHARS_MAX])
        finally:
            db.close()


def with_rotated(paths: Iterable[Path]) -> list[Path]:
    """Return the event files and what rotation has made of them.

    Raises:
        NoEvents: there is none.
    """
    found: list[Path] = []
    for path in paths:
        try:
            names = sorted(each.name for each in path.parent.iterdir() if is_sibling(each.name, path))
        except OSError as error:
            raise NoEvents(f"cannot read {path.parent} ({error.strerror})") from error
        files = [file for name in names if (file := path.parent / name).is_file()]
        found += [*files, *([path] if path.exists() and not is_ours(path.name) else [])]
    if not found:
        listed = ", ".join(map(str, paths))
        raise NoEvents(f"there is no event file {listed}, and no rotated one")
    return list(dict.fromkeys(found))


def find(prefix: str, paths: Sequence[Path]) -> Found:
    """Return the requests whose ids begin with `prefix`."""
    found = Found()
    sources = Sources([path for path in paths if _can_be_read(path, found)])
    try:
        for source in sources.oldest_first():
            found.read.append(source.path)
            _search(source, prefix, found)
    finally:
        sources.close()
    return found


def _can_be_read(path: Path, found: Found) -> bool:
    try:
        next(Source(path, path).blocks(), b"")
    except (*UNREADABLE, UnreadableFile) as error:
        found.problems.append(f"cannot read {path} ({reason_of(error)})")
        return False
    return True


def _search(source: Source, prefix: str, found: Found) -> None:
    named = json.dumps(prefix, ensure_ascii=False)[1:-1].encode()
    is_candidate = re.compile(rb'"request_id"\s*:\s*"' + re.escape(named)).search
    try:
        for chunk in whole_lines(source):
            if named not in chunk.data:
                continue
            lines = b"".join(line + b"\n" for line in chunk.data.split(b"\n") if is_candidate(line))
            for record in read_batch(lines).records if lines else ():
                if record.request_id and record.request_id.startswith(prefix):
                    _add(record, record.request_id, source.path, found)
    except (*UNREADABLE, UnreadableFile) as error:
        found.problems.append(f"cannot read {source.path} to its end ({reason_of(error)})")


def _add(record: Record, request_id: str, path: Path, found: Found) -> None:
    found.records.setdefault(request_id, []).append(record)
    files = found.files.setdefault(request_id, [])
    if path not in files:
        files.append(path)
