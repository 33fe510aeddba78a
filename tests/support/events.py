"""Read an event file line by line, as any reader of JSON lines would."""

import json
from pathlib import Path
from typing import Any

from coderouter_events.lock import LOCK_SUFFIX
from coderouter_events.paths import SPILL_SUFFIX
from support.processes import eventually

Event = dict[str, Any]


def read(path: Path, *names: str) -> list[Event]:
    """Return the events of the file, only those with one of the names if any are given; a missing file has none."""
    data = path.read_bytes() if path.exists() else b""
    whole = data[: data.rfind(b"\n") + 1]  # a line being written can be seen in part where it crosses a page
    events = [json.loads(line) for line in whole.splitlines()]
    return [event for event in events if not names or event["msg"] in names]


def read_all(folder: Path, *names: str) -> list[Event]:
    """Return the events of `events.jsonl` and its rotated files in the folder."""
    paths = (
        path
        for path in sorted(folder.glob("events.jsonl*"))
        if path.suffix not in (SPILL_SUFFIX, LOCK_SUFFIX)
    )
    return [event for path in paths for event in read(path, *names)]


def names(events: list[Event]) -> list[str]:
    return [event["msg"] for event in events]


def story(path: Path, request_id: str) -> list[Event]:
    """Wait until the request is finished, and return its events."""
    found: list[Event] = []

    def is_finished() -> bool:
        found[:] = [event for event in read(path) if event.get("request_id") == request_id]
        return any(event["msg"] == "request-finished" for event in found)

    eventually(is_finished)
    return found
