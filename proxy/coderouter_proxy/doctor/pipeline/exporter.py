"""Whether what the proxy does is counted: the exporter is there, reads the right file to its end, and is exact."""

import os
import time
from pathlib import Path

from coderouter_proxy.doctor.pipeline import event_file, http
from coderouter_proxy.doctor.pipeline.http import Exporter
from coderouter_proxy.doctor.result import Result, Verdict

SUBJECT = "counting"
AGE_S_MAX = 40  # a running proxy writes a heartbeat every 15 seconds; one may be late
NOT_EXACT = "see which of the next numbers is not 0, and “Is it exact?” in exporter/README.md"


def check(url: str, events_path: Path | None, *, proxy_runs: bool) -> list[Result]:
    """Return what is found at the exporter's address, and whether the newest event of the file was counted."""
    newest = (
        event_file.newest(events_path) if events_path else None
    )  # before the scrape, which counts up to its start
    exporter = http.exporter(url)
    reached = _reached(url, exporter)
    if exporter is None or reached.verdict is not Verdict.OK:
        return [
            reached,
            *_skipped("the exporter was not reached", "event file", "state", "exact", "end to end"),
        ]
    if not exporter.values:  # it recovers, and serves nothing until then
        return [reached, _state(exporter), *_skipped("it is not ready", "event file", "exact", "end to end")]
    reads = _reads(exporter, events_path)
    if reads.verdict is Verdict.OK:
        seen = _seen(exporter, newest, proxy_runs=proxy_runs)
    else:
        seen = _result("end to end", Verdict.SKIP, "the exporter does not read this event file")
    return [reached, reads, _state(exporter), _exact(exporter), seen]


def _reached(url: str, exporter: Exporter | None) -> Result:
    check = "exporter"
    if exporter is None:
        remedy = "start cr-exporter, and say with --exporter-url where it listens"
        return _result(check, Verdict.TRANSPORT_ERROR, f"something else answers at {_shown(url)}", remedy)
    if exporter.ready.status == 0:
        return _result(check, Verdict.TRANSPORT_ERROR, exporter.ready.text, "start it: cr-exporter")
    if exporter.ready.status in (401, 403):
        remedy = "say --exporter-url http://USER:PASSWORD@…, best by CODEROUTER_EXPORTER_URL"
        return _result(check, Verdict.AUTH_FAIL, f"answers {exporter.ready.status} at {_shown(url)}", remedy)
    return _result(check, Verdict.OK, f"answers at {_shown(url)}")


def _reads(exporter: Exporter, events_path: Path | None) -> Result:
    check = "event file"
    if events_path is None:
        return _result(check, Verdict.SKIP, "events are off")
    readable = {os.path.realpath(path): is_readable for path, is_readable in exporter.sources.items()}
    there = readable.get(os.path.realpath(events_path))
    if there is None:
        others = ", ".join(exporter.sources) or "no file"
        remedy = f"start both with the same --events (CODEROUTER_EVENTS_PATH), e.g. cr-exporter --events {events_path}"
        return _result(check, Verdict.NEEDS_TUNING, f"it reads {others}, not {events_path}", remedy)
    if not there and events_path.exists():
        remedy = "let the user who runs the exporter read the file and its folder"
        return _result(check, Verdict.NEEDS_TUNING, f"it cannot read {events_path}", remedy)
    return _result(
        check, Verdict.OK, f"it reads {events_path}" if there else "not there yet: no event was written"
    )


def _state(exporter: Exporter) -> Result:
    check = "state"
    if failed := exporter.values.get("cr_exporter_checkpoint_failing", 0):
        remedy = "let it write its state file (--state), and make room on that disk"
        return _result(check, Verdict.NEEDS_TUNING, f"{failed:g} commits in a row have failed", remedy)
    if exporter.ready.status != 200:
        reason = " ".join(exporter.ready.text.split())
        remedy = "wait until it has read what was written while it was down, then run the doctor again"
        return _result(check, Verdict.NEEDS_TUNING, f"{reason}; {_behind(exporter)}", remedy)
    return _result(check, Verdict.OK, f"ready; {_behind(exporter)}")


def _behind(exporter: Exporter) -> str:
    return f"{exporter.values.get('cr_exporter_bytes_behind', 0):g} bytes of events not counted yet"


def _exact(exporter: Exporter) -> Result:
    if exporter.values.get("cr_exporter_exact"):
        return _result("exact", Verdict.OK, "every event written is counted once")
    told = {
        "events missing": exporter.values.get("cr_exporter_events_missing", 0),
        "files gone before they were read": exporter.values.get("cr_exporter_unmatched_checkpoints_total", 0),
        "lines without a number": exporter.values.get("cr_exporter_unproven_lines_total", 0),
    }
    message = ", ".join(f"{what}: {count:g}" for what, count in told.items())
    return _result("exact", Verdict.NEEDS_TUNING, f"not known to be exact; {message}", NOT_EXACT)


def _seen(exporter: Exporter, newest: event_file.Newest | None, *, proxy_runs: bool) -> Result:
    """Return whether the newest event of the file has come through, and whether it is from the proxy that runs."""
    check = "end to end"
    elsewhere = (
        "start the proxy with the --events that is checked here, or name its own: coderouter doctor --events"
    )
    if newest is None:
        if proxy_runs:
            message = "the proxy runs, and there is no event in the file"
            return _result(
                check, Verdict.NEEDS_TUNING, message, f"{elsewhere}; just after a rotation, look again"
            )
        return _result(check, Verdict.SKIP, "no event yet", "coderouter serve writes the first one")
    age_s = max(0, time.time() - newest.ts)
    told = f"{newest.msg} of {_ago(age_s)} ago"
    if proxy_runs and age_s > AGE_S_MAX:
        return _result(
            check, Verdict.NEEDS_TUNING, f"the proxy runs, but the newest event is {told}", elsewhere
        )
    counted_ts = exporter.values.get("coderouter_last_event_timestamp_seconds", 0)
    if counted_ts < newest.ts - 0.001:
        message = f"not counted yet: {told}; {_behind(exporter)}"
        remedy = "run the doctor again; when it stays so, look into the exporter's log"
        return _result(check, Verdict.NEEDS_TUNING, message, remedy)
    return _result(check, Verdict.OK, f"counted: {told}")


def _ago(age_s: float) -> str:
    for unit, seconds in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if age_s >= 2 * seconds:
            return f"{age_s / seconds:.0f} {unit}"
    return f"{age_s:.0f} seconds"


def _shown(url: str) -> str:
    scheme, _, rest = url.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _skipped(why: str, *checks: str) -> list[Result]:
    return [_result(check, Verdict.SKIP, why) for check in checks]


def _result(check: str, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check=check, verdict=verdict, message=message, remedy=remedy)
