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
    help="1 while every event written is known to be counted exactly once: no event is missing, no checkpoint "
    "unmatched, no line unproven.",
    reads="state.exact",
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
    help="Files that disappeared or were overwritten before they were known to be read to their end.",
)
COMPRESSED_FILES = Counter(
    name="cr_exporter_gz_files_total",
    help="Compressed rotated files, by result: read, known (the plain file had been read), corrupt, too_large, or "
    "unsupported (not gzip).",
    labels=("result",),
    preset=(("read", "known", "corrupt", "too_large", "unsupported"),),
)
LABEL_OVERFLOW = Counter(
    name="cr_exporter_label_overflow_total",
    help="Events counted under the label value `other` because the family has as many label combinations as it may.",
    labels=("family",),
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
    help="1 if the event file was readable at the last poll, else 0.",
    labels=("path",),
    reads="sources_readable",
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

FAMILIES = families_of(vars())
