"""Counts event files again, from nothing, the plain way: what the rows of the exporter have to say."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Fields = dict[str, Any]
TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")


def lines(files: Iterable[Path]) -> list[Fields]:
    """Return the events of the files, which are given oldest first."""
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def unix(ts: str) -> float:
    return datetime.fromisoformat(ts).timestamp()


def requests(events: list[Fields], most: int) -> dict[str, Fields]:
    """Return the requests by id: those that ended, the newest ones, and those that are open."""
    stories: defaultdict[str, list[Fields]] = defaultdict(list)
    ended: set[str] = set()
    for event in events:
        if "request_id" in event:
            stories[event["request_id"]].append(event)
        if event["msg"] in ("coderouter-shutdown", "worker-lost"):
            ended.add(event["writer"])
        ended.update(event.get("ended_writers", {}))
    found = [_request(story, is_lost=story[0]["writer"] in ended) for story in stories.values()]
    closed = sorted((row for row in found if row["outcome"] != "open"), key=lambda row: row["at"])
    return {
        row["request_id"]: row
        for row in (*closed[len(closed) - min(most, len(closed)) :], *found)
        if row in closed[-most:] or row["outcome"] == "open"
    }


def _request(story: list[Fields], *, is_lost: bool) -> Fields:
    story = sorted(story, key=lambda event: int(event["seq"]))
    end = next((event for event in story if event["msg"] == "request-finished"), None)
    failures = [event for event in story if event["msg"].startswith("provider-failed")]
    tries: list[Fields] = []
    for event in story:
        if event["msg"] == "try-provider":
            tries.append({"provider": event["provider"], "result": None, "duration_s": None})
        elif event["msg"] in ("skip-budget-exceeded", "skip-short-context"):
            tries.append({"provider": event["provider"], "result": "skipped", "duration_s": 0.0})
        elif event["msg"] in ("provider-ok", "provider-failed", "provider-failed-midstream"):
            result = event["msg"].removeprefix("provider-").removeprefix("failed-")
            last = next(entry for entry in reversed(tries) if entry["provider"] == event["provider"])
            last |= {"result": result, "duration_s": event["duration_s"]}
    names = (
        "provider",
        "model",
        "agent",
        "session",
        "request_class",
        "waited_s",
        "key_index",
        *TOKENS,
        "cost_usd",
    )
    return {
        "request_id": story[0]["request_id"],
        "at": unix((end or story[0])["ts"]),
        "ts": end["ts"] if end else None,
        "outcome": end["outcome"] if end else "lost" if is_lost else "open",
        "error": failures[-1]["error"] if failures else None,
        "tries": tries,
        "steps": len(story),
        "repaired": sum(event["count"] for event in story if event["msg"] == "tool-call-repaired"),
        **{name: (end or {}).get(name) for name in names},
    }


def sessions(rows: Iterable[Fields]) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    for row in rows:
        if row["session"] is None:
            continue
        known = found.setdefault(
            row["session"], {"requests": 0, "failed": 0, "cost_usd": 0.0, **dict.fromkeys(TOKENS, 0)}
        )
        known["requests"] += 1
        known["failed"] += row["outcome"] not in ("ok", "client_error", "client_gone")
        known["cost_usd"] = round(known["cost_usd"] + (row["cost_usd"] or 0.0), 6)
        for name in TOKENS:
            known[name] += row[name] or 0
    return found


def days(events: list[Fields]) -> dict[tuple[str, ...], Fields]:
    """Return the sums by date, zone, provider, model, agent and profile."""
    zone = "UTC"
    found: dict[tuple[str, ...], Fields] = {}
    for event in events:
        if event["msg"] in ("coderouter-startup", "config-reloaded"):
            zone = _known(event["display_timezone"])
        if event["msg"] != "request-finished":
            continue
        date = datetime.fromisoformat(event["ts"]).astimezone(ZoneInfo(zone)).date().isoformat()
        key = (date, zone, *(event[name] or "" for name in ("provider", "model", "agent", "profile")))
        day = found.setdefault(
            key, dict.fromkeys(("requests", "micro_usd", "unknown_cost", "fallbacks", *TOKENS), 0)
        )
        day["requests"] += 1
        day["fallbacks"] += event["attempts"] > 1
        day["unknown_cost"] += event["outcome"] == "ok" and event["cost_usd"] is None
        day["micro_usd"] += round((event["cost_usd"] or 0) * 10**6)
        for name in TOKENS:
            day[name] += event[name] or 0
    return found


def _known(zone: str | None) -> str:
    try:
        ZoneInfo(zone or "UTC")
    except ZoneInfoNotFoundError:
        return "UTC"
    return zone or "UTC"


def providers(events: list[Fields], since: float) -> dict[str, Fields]:
    """Return what each provider did in the minutes from this one on."""
    kinds = {
        "try-provider": "tries",
        "provider-ok": "tries_ok",
        "provider-failed": "tries_failed",
        "provider-failed-midstream": "tries_midstream",
        "skip-budget-exceeded": "tries_skipped",
        "skip-short-context": "tries_skipped",
        "request-finished": "requests",
    }
    found: defaultdict[str, Fields] = defaultdict(
        lambda: dict.fromkeys((*kinds.values(), "micro_usd", *TOKENS), 0)
    )
    for event in events:
        if event["msg"] in kinds and unix(event["ts"]) >= since:
            slot = found[event["provider"] or ""]
            slot[kinds[event["msg"]]] += 1
            if event["msg"] == "request-finished":
                slot["micro_usd"] += round((event["cost_usd"] or 0) * 10**6)
                for name in TOKENS:
                    slot[name] += event[name] or 0
    return dict(found)


def now_ts() -> float:
    return datetime.now(UTC).timestamp()
