"""Can the numbers above be trusted."""

from coderouter_dashboard.panel import BAD, GOOD, Kind, Panel, Query, Row, State
from coderouter_dashboard.promql import increase, of, rate

BAD_LINES = of("cr_exporter_lines_total", 'result=~"json|utf8|object|oversize|torn|nul|partial"')
LAST_EVENT = of("coderouter_last_event_timestamp_seconds")

EXPORTER = Row(
    "Exporter health",
    (
        Panel(
            title="Events counted",
            description="Events per second, by name.",
            unit="cps",
            kind=Kind.STACK,
            queries=(Query(rate(of("cr_exporter_events_total"), "event"), "{{event}}"),),
        ),
        Panel(
            title="Age of the newest event",
            description="A proxy that is idle writes one every 15 seconds.",
            unit="s",
            queries=(Query(f"time() - ({LAST_EVENT} > 0)", "{{instance}}"),),
        ),
        Panel(
            title="Not counted yet",
            description="Bytes of the event files that are written and not counted.",
            unit="bytes",
            queries=(Query(f"sum by (instance) ({of('cr_exporter_bytes_behind')})", "{{instance}}"),),
        ),
        Panel(
            title="What is not exact",
            description="Events that were written and never seen; and, per point of the graph, files gone before "
            "their end was read, and lines without a number.",
            unit="short",
            queries=(
                Query(f"sum({of('cr_exporter_events_missing')})", "events missing"),
                Query(increase(of("cr_exporter_unmatched_checkpoints_total")), "files gone"),
                Query(increase(of("cr_exporter_unproven_lines_total")), "lines unproven"),
            ),
        ),
        Panel(
            title="Lines that are no event",
            description="Damaged lines, by what is wrong with them; a line cut by a full disk is one, and is written "
            "again whole.",
            unit="cps",
            kind=Kind.STACK,
            queries=(Query(rate(BAD_LINES, "result"), "{{result}}"),),
        ),
        Panel(
            title="Rotations and compressed files",
            description="Times an event file was replaced, and compressed files that were looked at, by what became of "
            "them.",
            unit="short",
            kind=Kind.BARS,
            queries=(
                Query(increase(of("cr_exporter_rotations_total"), "kind"), "{{kind}}"),
                Query(increase(of("cr_exporter_gz_files_total"), "result"), "gz {{result}}"),
            ),
        ),
        Panel(
            title="Commits that failed",
            description="Commits to the state file that failed in a row until now. While they fail, the totals stand "
            "still; none is lost.",
            unit="short",
            queries=(Query(f"max by (instance) ({of('cr_exporter_checkpoint_failing')})", "{{instance}}"),),
        ),
        Panel(
            title="Time of a commit",
            description="How long the last commit to the state file took.",
            unit="s",
            queries=(
                Query(f"max by (instance) ({of('cr_exporter_checkpoint_duration_seconds')})", "{{instance}}"),
            ),
        ),
        Panel(
            title="Event files",
            description="Whether each event file was there and could be read at the last look.",
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
            title="Counts without their labels",
            description="Counts that went to the label value `other` because their family had all its series.",
            unit="short",
            kind=Kind.BARS,
            queries=(Query(increase(of("cr_exporter_label_overflow_total"), "family"), "{{family}}"),),
        ),
        Panel(
            title="Memory of the exporter",
            description="Resident memory of the exporter's process.",
            unit="bytes",
            queries=(Query(f"sum by (instance) ({of('process_resident_memory_bytes')})", "{{instance}}"),),
        ),
        Panel(
            title="CPU of the exporter",
            description="Share of one core that the exporter's process uses.",
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
            states=(State(1, "here", GOOD),),
        ),
    ),
)
