"""The metric families about the exporter itself: what it has read, and whether the totals can be trusted."""

from coderouter_events.events import EVENTS
from coderouter_exporter.families.kinds import Counter, Gauge, families_of

BUILD_INFO = Gauge(
    name="cr_exporter_build_info",
    help="Always 1; the labels say which exporter this is.",
    labels=("version", "pythonversion"),
    reads="build_info",
    live=True,
)
LINES = Counter(
    name="cr_exporter_lines_total",
    help="Lines read, by what they were: an event, one that had been counted before (duplicate), another "
    "program's or a later version's record (unknown), an empty line; or what was wrong with it: no JSON, no UTF-8, "
    "no object, oversize, torn in front of a whole record, in a run of NUL bytes, or never ended (partial).",
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
    help="1 while every event written is known to be counted once: none is missing, no checkpoint unmatched, "
    "no line unproven.",
    reads="state.exact",
)
EVENTS_MISSING = Gauge(
    name="cr_exporter_events_missing",
    help="Events that were written and have not been seen: the gaps in what each writer numbered from 1 on. "
    "It falls when a late line arrives.",
    reads="state.events_missing",
)
DUPLICATES = Counter(
    name="cr_exporter_duplicates_suppressed_total",
    help="Lines read again and not counted again, told by their writer and number.",
)
UNPROVEN = Counter(
    name="cr_exporter_unproven_lines_total",
    help="Events without a writer and number, as CodeRouter 1.7 wrote them: counted once as far as the file's "
    "position tells, but a loss would not show.",
)
NUL_BYTES = Counter(
    name="cr_exporter_nul_bytes_skipped_total",
    help="NUL bytes passed over: the hole that copytruncate leaves with a writer that does not append.",
)
ROTATIONS = Counter(
    name="cr_exporter_rotations_total",
    help="Times an event file was seen being replaced: renamed and created anew, removed and created anew "
    "(recreate), a symlink pointed elsewhere, or the file cut in place (copytruncate).",
    labels=("kind",),
    preset=(("rename", "recreate", "symlink", "copytruncate"),),
)
UNMATCHED = Counter(
    name="cr_exporter_unmatched_checkpoints_total",
    help="Files that were being read and were gone, or overwritten, before they were known to be read to their end.",
)
COMPRESSED_FILES = Counter(
    name="cr_exporter_gz_files_total",
    help="Compressed rotated files, by what became of them: read, known (its plain file had been read), corrupt, "
    "too_large, or unsupported (only gzip is).",
    labels=("result",),
    preset=(("read", "known", "corrupt", "too_large", "unsupported"),),
)
LABEL_OVERFLOW = Counter(
    name="cr_exporter_label_overflow_total",
    help="Counts that went to the label value `other` because their family had as many label combinations as it may.",
    labels=("family",),
)
COMMITS = Counter(
    name="cr_exporter_checkpoint_commits_total",
    help="Commits of counts and positions to the state file.",
)
COMMIT_FAILURES = Counter(
    name="cr_exporter_checkpoint_failures_total",
    help="Commits to the state file that failed; it grows once they work again.",
)
COMMITS_FAILING = Gauge(
    name="cr_exporter_checkpoint_failing",
    help="Commits to the state file that have failed in a row until now; 0 is good.",
    reads="published.commits_failing",
    live=True,
)
COMMIT_DURATION = Gauge(
    name="cr_exporter_checkpoint_duration_seconds",
    help="How long the last commit to the state file took.",
    reads="published.commit_duration_s",
    live=True,
)
LAST_COMMIT = Gauge(
    name="cr_exporter_checkpoint_last_success_timestamp_seconds",
    help="When the state file was last committed, in Unix time.",
    reads="state.committed_ts",
    live=True,
)
SOURCE_READABLE = Gauge(
    name="cr_exporter_source_readable",
    help="1 when the event file was there and could be read at the last look, else 0.",
    labels=("path",),
    reads="sources_readable",
    live=True,
)
BYTES_BEHIND = Gauge(
    name="cr_exporter_bytes_behind",
    help="Bytes of the event files that are written but not counted yet; a half-written line is among them.",
    reads="bytes_behind",
    live=True,
)
FILES_PENDING = Gauge(
    name="cr_exporter_files_pending",
    help="Rotated files not read to their end yet, such as a compressed one that is still being written.",
    reads="published.files_pending",
    live=True,
)

FAMILIES = families_of(vars())
