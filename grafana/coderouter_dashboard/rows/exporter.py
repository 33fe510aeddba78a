"""Whether the numbers above can be trusted."""

from coderouter_dashboard.panel import BAD, GOOD, Kind, Panel, Query, Row, State
from coderouter_dashboard.promql import increase, of, per_minute, rate

BAD_LINES = of("cr_exporter_lines_total", 'result=~"json|utf8|object|oversize|torn|nul|partial"')
LAST_EVENT = of("coderouter_last_event_timestamp_seconds")

EXPORTER = Row(
    "Exporter health",
    (
        Panel(
            title="Events counted",
            description="Events per minute, by name.",
            unit="cpm",
            kind=Kind.STACK,
            queries=(Query(per_minute(of("cr_exporter_events_total"), "event"), "{{event}}"),),
        ),
        Panel(
            title="Age of the newest event",
            description="An idle proxy writes an event every 15 seconds.",
            unit="s",
            queries=(Query(f"time() - ({LAST_EVENT} > 0)", "{{instance}}"),),
        ),
        Panel(
            title="Bytes behind",
            description="Bytes written to the event files but not counted yet.",
            unit="bytes",
            queries=(Query(f"sum by (instance) ({of('cr_exporter_bytes_behind')})", "{{instance}}"),),
        ),
        Panel(
            title="Inexact counts",
            description="Events that were written but never seen; and, per data point, files lost before they were "
            "read to their end, and lines without a number.",
            unit="short",
            queries=(
                Query(f"sum({of('cr_exporter_events_missing')})", "events missing"),
                Query(increase(of("cr_exporter_unmatched_checkpoints_total")), "files lost"),
                Query(increase(of("cr_exporter_unproven_lines_total")), "unproven lines"),
            ),
        ),
        Panel(
            title="Rejected lines",
            description="Damaged lines, by reason. A line torn by a full disk is one of them; the proxy writes that "
            "event again.",
            unit="cpm",
            kind=Kind.STACK,
            queries=(Query(per_minute(BAD_LINES, "result"), "{{result}}"),),
        ),
        Panel(
            title="Rotations and compressed files",
            description="Rotations of event files by kind, and compressed files by result.",
            unit="short",
            kind=Kind.BARS,
            queries=(
                Query(increase(of("cr_exporter_rotations_total"), "kind"), "{{kind}}"),
                Query(increase(of("cr_exporter_gz_files_total"), "result"), "gz {{result}}"),
            ),
        ),
        Panel(
            title="Failed commits",
            description="Failed commits to the state file since the last successful one. While commits fail, the "
            "totals do not change, but nothing is lost.",
            unit="short",
            queries=(Query(f"max by (instance) ({of('cr_exporter_checkpoint_failing')})", "{{instance}}"),),
        ),
        Panel(
            title="Commit duration",
            description="Duration of the last commit to the state file.",
            unit="s",
            queries=(
                Query(f"max by (instance) ({of('cr_exporter_checkpoint_duration_seconds')})", "{{instance}}"),
            ),
        ),
        Panel(
            title="Event files",
            description="Whether each event file was readable at the last poll.",
            unit="none",
            kind=Kind.TIMELINE,
            queries=(
                Query(
                    f"min by (instance, path) ({of('cr_exporter_source_readable')})", "{{path}} {{instance}}"
                ),
            ),
            states=(State(1, "readable", GOOD), State(0, "not readable", BAD)),
        ),
        Panel(
            title="Label overflow",
            description="Counts added to the label value `other` because their family has reached its maximum number "
            "of series.",
            unit="short",
            kind=Kind.BARS,
            queries=(Query(increase(of("cr_exporter_label_overflow_total"), "family"), "{{family}}"),),
        ),
        Panel(
            title="Exporter memory",
            description="Resident memory of the exporter process.",
            unit="bytes",
            queries=(Query(f"sum by (instance) ({of('process_resident_memory_bytes')})", "{{instance}}"),),
        ),
        Panel(
            title="Exporter CPU",
            description="CPU time of the exporter process, as a share of one core.",
            unit="percentunit",
            queries=(Query(rate(of("process_cpu_seconds_total"), "instance"), "{{instance}}"),),
        ),
        Panel(
            title="Versions",
            description="The proxies and exporters behind these numbers.",
            unit="none",
            kind=Kind.TABLE,
            width=24,
            queries=(
                Query(
                    f"max by (instance, version, default_profile, allow_paid) ({of('coderouter_info')})",
                    "Proxy",
                ),
                Query(
                    f"max by (instance, version, pythonversion) ({of('cr_exporter_build_info')})", "Exporter"
                ),
            ),
            states=(State(1, "present", GOOD),),
        ),
    ),
)
