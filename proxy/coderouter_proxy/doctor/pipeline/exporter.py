"""Check that events are counted: the exporter runs, reads the right file to its end, and its counts are exact."""

import os
import time
from pathlib import Path

from coderouter_proxy.doctor.pipeline import event_file, http
from coderouter_proxy.doctor.pipeline.http import ExporterStatus
from coderouter_proxy.doctor.result import Result, Verdict

SUBJECT = "counting"
AGE_S_MAX = 40  # a running proxy writes a heartbeat every 15 seconds; one may be late
START = "start it: cr-exporter, or both programs: coderouter run"
NOT_EXACT = "see “Is it exact?” in exporter/README.md"


def check(url: str, events_path: Path | None, *, proxy_runs: bool) -> list[Result]:
    """Return the results for the exporter at this URL, with whether it has counted the last event of the file."""
    # Read before the scrape, which counts everything written before it began.
    last_event = event_file.last_event(events_path) if events_path else None
    status = http.fetch_exporter_status(url)
    reachable = _check_reachable(url, status)
    if status is None or reachable.verdict is not Verdict.OK:
        return [
            reachable,
            *_skip("the exporter cannot be reached", "event file", "state", "exact", "end to end"),
        ]
    if not status.values:  # it serves no metrics until it has recovered
        return [
            reachable,
            _check_state(status),
            *_skip("it is not ready", "event file", "exact", "end to end"),
        ]
    source = _check_source(status, events_path)
    if source.verdict is Verdict.OK:
        end_to_end = _check_end_to_end(status, last_event, proxy_runs=proxy_runs)
    else:
        end_to_end = _result("end to end", Verdict.SKIP, "the exporter does not read this event file")
    return [reachable, source, _check_state(status), _check_exact(status), end_to_end]


def _check_reachable(url: str, status: ExporterStatus | None) -> Result:
    check = "exporter"
    if status is None:
        remedy = "start cr-exporter, and pass its address as --exporter-url"
        message = f"something else responds at {_without_password(url)}"
        return _result(check, Verdict.TRANSPORT_ERROR, message, remedy)
    if status.ready.status == 0:
        return _result(check, Verdict.TRANSPORT_ERROR, status.ready.text, START)
    if status.ready.status in (401, 403):
        remedy = "pass --exporter-url http://USER:PASSWORD@…, preferably in CODEROUTER_EXPORTER_URL"
        message = f"responds with {status.ready.status} at {_without_password(url)}"
        return _result(check, Verdict.AUTH_FAIL, message, remedy)
    at = _without_password(url)
    return _result(check, Verdict.OK, f"responds at {at}, with a dashboard at {at.rstrip('/')}/dashboard")


def _check_source(status: ExporterStatus, events_path: Path | None) -> Result:
    check = "event file"
    if events_path is None:
        return _result(check, Verdict.SKIP, "events are off")
    readable_by_path = {os.path.realpath(path): readable for path, readable in status.sources.items()}
    readable = readable_by_path.get(os.path.realpath(events_path))
    if readable is None:
        others = ", ".join(status.sources) or "no file"
        remedy = (
            "start both with the same --events (CODEROUTER_EVENTS_PATH), "
            f"e.g. cr-exporter --events {events_path}"
        )
        return _result(check, Verdict.NEEDS_TUNING, f"it reads {others}, not {events_path}", remedy)
    if not readable and events_path.exists():
        remedy = "allow the user who runs the exporter to read the file and its folder"
        return _result(check, Verdict.NEEDS_TUNING, f"it cannot read {events_path}", remedy)
    message = f"it reads {events_path}" if readable else "does not exist yet: no event was written"
    return _result(check, Verdict.OK, message)


def _check_state(status: ExporterStatus) -> Result:
    check = "state"
    if failed := status.values.get("cr_exporter_checkpoint_failing", 0):
        remedy = "allow it to write its state file (--state), and free up space on that disk"
        return _result(check, Verdict.NEEDS_TUNING, f"{failed:g} commits in a row have failed", remedy)
    if status.ready.status != 200:
        reason = " ".join(status.ready.text.split())
        remedy = "repair what it names; if it is catching up, wait, then run the doctor again"
        return _result(check, Verdict.NEEDS_TUNING, f"{reason}; {_bytes_behind(status)}", remedy)
    return _result(check, Verdict.OK, f"ready; {_bytes_behind(status)}")


def _bytes_behind(status: ExporterStatus) -> str:
    return f"{status.values.get('cr_exporter_bytes_behind', 0):g} bytes of events not counted yet"


def _check_exact(status: ExporterStatus) -> Result:
    if status.values.get("cr_exporter_exact"):
        return _result("exact", Verdict.OK, "every event is counted exactly once")
    reasons = [f"{reason.replace('_', ' ')}: {count:g}" for reason, count in status.doubts.items()]
    reasons += [f"{path}: {reason}" for path, reason in status.problems.items()]
    message = f"not known to be exact; {', '.join(reasons)}"
    return _result("exact", Verdict.NEEDS_TUNING, message, NOT_EXACT)


def _check_end_to_end(
    status: ExporterStatus, last_event: event_file.LastEvent | None, *, proxy_runs: bool
) -> Result:
    """Return whether the last event of the file has been counted, and whether the running proxy wrote it."""
    check = "end to end"
    another_file = (
        "start the proxy with the --events that is checked here, or run the doctor with the proxy's --events"
    )
    if last_event is None:
        if proxy_runs:
            message = "the proxy is running, but there is no event in the file"
            remedy = f"{another_file}; just after a rotation, run the doctor again"
            return _result(check, Verdict.NEEDS_TUNING, message, remedy)
        return _result(check, Verdict.SKIP, "no event yet", "coderouter serve writes the first one")
    age_s = max(0, time.time() - last_event.ts)
    event = f"{last_event.msg} from {_age(age_s)} ago"
    if proxy_runs and age_s > AGE_S_MAX:
        message = f"the proxy is running, but the last event is {event}"
        return _result(check, Verdict.NEEDS_TUNING, message, another_file)
    counted_ts = status.values.get("coderouter_last_event_timestamp_seconds", 0)
    if counted_ts < last_event.ts - 0.001:
        message = f"not counted yet: {event}; {_bytes_behind(status)}"
        remedy = "run the doctor again; if this does not change, check the exporter's log"
        return _result(check, Verdict.NEEDS_TUNING, message, remedy)
    return _result(check, Verdict.OK, f"counted: {event}")


def _age(age_s: float) -> str:
    for unit, seconds in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if age_s >= 2 * seconds:
            return f"{age_s / seconds:.0f} {unit}"
    return f"{age_s:.0f} seconds"


def _without_password(url: str) -> str:
    scheme, _, rest = url.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _skip(why: str, *checks: str) -> list[Result]:
    return [_result(check, Verdict.SKIP, why) for check in checks]


def _result(check: str, verdict: Verdict, message: str, remedy: str = "") -> Result:
    return Result(subject=SUBJECT, check=check, verdict=verdict, message=message, remedy=remedy)
