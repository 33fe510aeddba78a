"""The metric families about the exporter itself: what it has read, and whether the totals can be trusted."""

from coderouter_events.events import EVENTS
from coderouter_exporter.families.kinds import Counter, Gauge, families_of

BUILD_INFO = Gauge(
    name="cr_exporter_build_info",
    help="Always 1; the labels are the versions of the exporter and of Python.",
    labels=("version", "pythonversion"),
    reads="build_info",
    live=True,
)
LINES = Counter(
    name="cr_exporter_lines_total",
    help="Lines read, by result: event, duplicate (already counted), unknown (from another program or a later "
    "version), empty; or rejected: not JSON, not UTF-8, not an object, oversize, torn before a whole record, in a "
    "run of NUL bytes, or never completed (partial).",
    labels=("result",),
    preset=(
        (
            "event",
            "duplicate",
            "unknown",
            "empty",
            "json",
            "utf8",
            "object",
            "oversize",
            "torn",
            "nul",
            "partial",
        ),
    ),
)
BYTES_READ = Counter(
    name="cr_exporter_bytes_read_total",
    help="Bytes of the event files that have been read and counted.",
)
EVENTS_READ = Counter(
    name="cr_exporter_events_total",
    help="Events counted, by name.",
    labels=("event",),
    preset=(tuple(event.msg for event in EVENTS),),
)
EXACT = Gauge(
    name="cr_exporter_exact",
    help="1 while every event written is known to be counted exactly once; cr_exporter_doubts has the reasons when it "
    "is 0.",
    reads="exact",
)
DOUBTS = Gauge(
    name="cr_exporter_doubts",
    help="Why the totals may not be exact, by reason: events_missing; file_disappeared (writers whose last lines may "
    "be in a file that disappeared; the next line of each proves whether any is missing); unproven_lines (without "
    "writer and seq); not_rotated (files named like rotated ones that grow, and so belong to another proxy); "
    "lines_given_up (because of a bug); and while it lasts file_unreadable, commits_failing, passes_failing (because "
    "of a bug) and catching_up (bytes still to be read after a start).",
    labels=("reason",),
    reads="doubts",
)
BOUNDS_REACHED = Gauge(
    name="cr_exporter_bounds_reached",
    help="How much was forgotten because of a bound: writers that might have continued (writers), or events that stay "
    "missing even if they are read late (intervals).",
    labels=("bound",),
    reads="state.bounds_reached",
)
EVENTS_MISSING = Gauge(
    name="cr_exporter_events_missing",
    help="Events that were written but not seen: the gaps in the seq of each writer. It falls when a late line "
    "arrives.",
    reads="state.events_missing",
)
DUPLICATES = Counter(
    name="cr_exporter_duplicates_suppressed_total",
    help="Duplicate lines skipped, recognised by writer and seq.",
)
UNPROVEN = Counter(
    name="cr_exporter_unproven_lines_total",
    help="Events without writer and seq, as written by CodeRouter 1.7: counted once as far as the checkpoint can "
    "tell, but a loss would go unnoticed.",
)
NUL_BYTES = Counter(
    name="cr_exporter_nul_bytes_skipped_total",
    help="NUL bytes skipped: copytruncate leaves them when the writer does not use O_APPEND.",
)
ROTATIONS = Counter(
    name="cr_exporter_rotations_total",
    help="Rotations seen, by kind: rename (renamed and recreated), recreate (removed and recreated), symlink "
    "(pointed to another file), or copytruncate (truncated in place).",
    labels=("kind",),
    preset=(("rename", "recreate", "symlink", "copytruncate"),),
)
UNMATCHED = Counter(
    name="cr_exporter_unmatched_checkpoints_total",
    help="Files that disappeared or were overwritten before they were known to be read to their end. The seq of their "
    "writers shows whether events are missing.",
)
COMPRESSED_FILES = Counter(
    name="cr_exporter_gz_files_total",
    help="Compressed rotated files, by result: read, known (the plain file had been read), corrupt (also: never "
    "completed), too_large, or unsupported (the log has the reason).",
    labels=("result",),
    preset=(("read", "known", "corrupt", "too_large", "unsupported"),),
)
LABEL_OVERFLOW = Counter(
    name="cr_exporter_label_overflow_total",
    help="Events counted under the label value `other` because the family has as many label combinations as it may.",
    labels=("family",),
)
INTERNAL_ERRORS = Counter(
    name="cr_exporter_internal_errors_total",
    help="Errors that only a bug in the exporter can cause, by what was given up: a line, which is not counted, or a "
    "pass over the event files, which was repeated from the last commit.",
    labels=("what",),
    preset=(("line", "pass"),),
)
COMMITS = Counter(
    name="cr_exporter_checkpoint_commits_total",
    help="Commits of counts and checkpoints to the state file.",
)
COMMIT_FAILURES = Counter(
    name="cr_exporter_checkpoint_failures_total",
    help="Failed commits to the state file; it grows once commits work again.",
)
COMMITS_FAILING = Gauge(
    name="cr_exporter_checkpoint_failing",
    help="Failed commits to the state file since the last successful one; 0 is healthy.",
    reads="published.commits_failing",
    live=True,
)
COMMIT_DURATION = Gauge(
    name="cr_exporter_checkpoint_duration_seconds",
    help="Duration of the last commit to the state file.",
    reads="published.commit_duration_s",
    live=True,
)
LAST_COMMIT = Gauge(
    name="cr_exporter_checkpoint_last_success_timestamp_seconds",
    help="Unix time of the last successful commit to the state file.",
    reads="state.committed_ts",
    live=True,
)
SOURCE_READABLE = Gauge(
    name="cr_exporter_source_readable",
    help="1 if the event file was readable at the last poll, else 0; also 0 for any other path that keeps events from "
    "being read.",
    labels=("path",),
    reads="sources_readable",
    live=True,
)
SOURCE_PROBLEM = Gauge(
    name="cr_exporter_source_problem",
    help="Always 1: why a path with cr_exporter_source_readable 0 is not readable.",
    labels=("path", "reason"),
    reads="source_problems",
    live=True,
)
BYTES_BEHIND = Gauge(
    name="cr_exporter_bytes_behind",
    help="Bytes written to the event files but not counted yet, including an incomplete last line.",
    reads="bytes_behind",
    live=True,
)
FILES_PENDING = Gauge(
    name="cr_exporter_files_pending",
    help="Rotated files not read to their end yet, such as a compressed file that is still being written.",
    reads="published.files_pending",
    live=True,
)
OTLP_SENT = Counter(
    name="cr_exporter_otlp_sent_total",
    help="What an OTLP receiver accepted: data points (signal metrics) and spans (signal traces).",
    labels=("signal",),
)
OTLP_FAILED = Counter(
    name="cr_exporter_otlp_failed_total",
    help="Exports to an OTLP receiver that failed, by reason: unreachable, timeout or busy (status 429, 502, 503 or "
    "504), after which traces are sent again; refused (another status) or partial (accepted in part).",
    labels=("signal", "reason"),
)
OTLP_LOST = Counter(
    name="cr_exporter_otlp_lost_total",
    help="What an OTLP receiver never gets, by reason: data points and spans that it refused (with the whole export) "
    "or rejected (one by one), and requests that were not kept until they could be sent (not_kept).",
    labels=("signal", "reason"),
)
OTLP_UNSENT = Gauge(
    name="cr_exporter_otlp_unsent_requests",
    help="Requests that have ended and are still to be sent to the OTLP receiver, at the last commit.",
    labels=("signal",),
    reads="otlp_unsent",
    live=True,
)
OTLP_LAG = Gauge(
    name="cr_exporter_otlp_lag_seconds",
    help="How long ago the request ended that is sent to the OTLP receiver next; 0 if there is none.",
    labels=("signal",),
    reads="otlp_lag_s",
    live=True,
)

FAMILIES = families_of(vars())
