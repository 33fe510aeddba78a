"""The command `cr-exporter`."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import click

from coderouter_events.paths import DEFAULT_EVENTS, EVENTS_ENV, EVENTS_OFF
from coderouter_exporter.durations import Duration
from coderouter_exporter.families.exporter import LINES
from coderouter_exporter.http.web_config import WebConfigErrors
from coderouter_exporter.names import real_path, shown
from coderouter_exporter.offline.backfill import TooManySteps, backfill
from coderouter_exporter.offline.fold_files import chunks, fold_files
from coderouter_exporter.offline.into_state import Added, add_to_state
from coderouter_exporter.offline.label import Label
from coderouter_exporter.offline.order import UnreadableFile
from coderouter_exporter.otlp.options import otlp_options
from coderouter_exporter.otlp.target import BadTarget, Target
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.view import View
from coderouter_exporter.rows.pending import REQUESTS_MAX
from coderouter_exporter.run import StartupError, serve
from coderouter_exporter.state.cardinality import SERIES_MAX
from coderouter_exporter.state.errors import StateError, StateUnavailable
from coderouter_http.command_line import group
from coderouter_http.log_options import log_options
from coderouter_http.logs import LogOptions, log_to_stderr

STARTUP_FAILED = 3

_series_max = click.option(
    "--series-max",
    type=click.IntRange(min=1, max=1_000_000),
    default=SERIES_MAX,
    show_default=True,
    envvar="CR_EXPORTER_SERIES_MAX",
    show_envvar=True,
    help="Label combinations per metric; beyond that, new ones are counted under `other`.",
)

_requests_max = click.option(
    "--requests-max",
    type=click.IntRange(min=0, max=1_000_000),
    default=REQUESTS_MAX,
    show_default=True,
    envvar="CR_EXPORTER_REQUESTS_MAX",
    show_envvar=True,
    help="Requests that are kept one by one, the newest; 0 keeps none.",
)


@click.group(cls=group.Group, invoke_without_command=True, context_settings=group.SETTINGS)
@group.version_option("cr-exporter")
@click.option(
    "--events",
    "event_files",
    multiple=True,
    type=click.Path(readable=False, path_type=Path),
    default=(DEFAULT_EVENTS,),
    show_default=True,
    envvar=EVENTS_ENV,
    show_envvar=True,
    help="Event file of the proxy (it need not exist yet) or a glob such as '/var/log/coderouter/*.jsonl', which "
    "new files may match at any time; repeat for several.",
)
@click.option(
    "--olddir",
    type=click.Path(path_type=Path),
    envvar="CR_EXPORTER_OLDDIR",
    show_envvar=True,
    help="Folder that rotation moves files to (logrotate's `olddir`), relative to the folder of each event file.  "
    "[default: that folder]",
)
@click.option(
    "--rotated-glob",
    "rotated_globs",
    multiple=True,
    metavar="GLOB",
    envvar="CR_EXPORTER_ROTATED_GLOB",
    show_envvar=True,
    help="Names of rotated files that the naming rules do not cover, such as '{stem}-*.log'; {name} and {stem} are "
    "those of each event file; repeat for several.",
)
@click.option(
    "--listen",
    type=group.Address(),
    default="127.0.0.1:9847",
    show_default=True,
    envvar="CR_EXPORTER_LISTEN",
    show_envvar=True,
    help="Address to listen on, or :PORT for all of them; port 0 picks a free port and prints it.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="CR_EXPORTER_STATE",
    show_envvar=True,
    help="State file with totals and checkpoints, on a local disk.  [default: $STATE_DIRECTORY/exporter.db, "
    "or exporter.db beside the first event file]",
)
@click.option(
    "--state-reset",
    is_flag=True,
    envvar="CR_EXPORTER_STATE_RESET",
    show_envvar=True,
    help="For one start: set the state file aside (as exporter.db.old) and count again from 0, including everything "
    "still in the files.",
)
@_series_max
@_requests_max
@click.option(
    "--web.config.file",
    "web_config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="CR_EXPORTER_WEB_CONFIG_FILE",
    show_envvar=True,
    help="Web configuration file for TLS and passwords, in the format of Prometheus exporters.",
)
@click.option(
    "--web.allowed-hosts",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    envvar="CR_EXPORTER_WEB_ALLOWED_HOSTS",
    show_envvar=True,
    help="Additional Host name accepted while listening on loopback only; repeat for several.",
)
@otlp_options
@log_options("CR_EXPORTER", access_log=False, requests="HTTP request, such as a scrape")
@click.pass_context
def main(
    ctx: click.Context,
    event_files: Sequence[Path],
    olddir: Path | None,
    rotated_globs: Sequence[str],
    listen: tuple[str, int],
    state_file: Path | None,
    state_reset: bool,  # noqa: FBT001 - click passes it by name
    series_max: int,
    requests_max: int,
    web_config_file: Path | None,
    allowed_hosts: Sequence[str],
    otlp: Callable[[], Target | None],
    logs: LogOptions,
) -> None:
    """Count the events of the CodeRouter proxy exactly once and serve the totals.

    Serves Prometheus metrics at /metrics, the same totals as JSON at /metrics.json, and a dashboard at /dashboard.
    """
    if ctx.invoked_subcommand is not None:
        return
    log_to_stderr(logs)
    try:
        paths = _event_paths(event_files)
        state_file = state_file or _default_state(paths)
        if real_path(state_file) in map(real_path, paths):
            raise StartupError(
                f"{shown(state_file)} is the event file, which a state would destroy; choose another one with --state"
            )
        sys.exit(
            serve(
                paths,
                state_file,
                listen,
                olddir=olddir,
                rotated_globs=rotated_globs,
                state_reset=state_reset,
                series_max=series_max,
                requests_max=requests_max,
                web_config_file=web_config_file,
                allowed_hosts=allowed_hosts,
                otlp=otlp(),
            )
        )
    except (StartupError, StateError, WebConfigErrors, BadTarget) as error:
        _fail(error)


@main.command("fold")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@_series_max
def fold_command(files: Sequence[Path], series_max: int) -> None:
    """Count the events in closed FILES and print the totals as Prometheus text.

    Name all rotated files, in any order: `cr-exporter fold events.jsonl*`. Files may be plain, gzip, xz, zstd or
    bzip2, and pipes such as /dev/stdin. The oldest is read first, and content that appears in two files is counted
    once. No state is read or written.
    """
    try:
        state = fold_files(files, series_max)
    except UnreadableFile as error:
        _fail(error)
    lines = state.totals(LINES)
    if (rejected := sum(lines.values()) - lines["empty",]) and not lines["event",]:
        click.echo(f"cr-exporter: no event in {rejected:,} lines; are these event files?", err=True)
    view = View(state=state, now_ts=state.last_event_ts)
    sys.stdout.buffer.write(render(view, Format.TEXT))


@main.command("backfill")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--step",
    "step_ms",
    type=Duration(),
    default="15s",
    show_default=True,
    help="Time between two samples of a series; use the scrape interval, so that graphs look the same.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    type=Label(),
    help="Label to add to every series, as a scrape adds job and instance; repeat for several.",
)
@click.option(
    "--state",
    "state_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Instead of printing: add FILES to this state file, to its totals, requests, days and hours, as the exporter "
    "would have. Stop the exporter first. What has been counted is skipped.",
)
@_series_max
@_requests_max
def backfill_command(
    files: Sequence[Path],
    step_ms: int,
    labels: Sequence[tuple[str, str]],
    state_file: Path | None,
    series_max: int,
    requests_max: int,
) -> None:
    """Print the history contained in closed FILES as OpenMetrics with timestamps, or add it to a state file.

    `promtool tsdb create-blocks-from openmetrics` turns what is printed into blocks, which Prometheus serves once they
    are in its data folder. FILES are handled as in `fold`.
    """
    if state_file is not None and labels:
        raise click.UsageError("--label is for what is printed; leave it out with --state")
    try:
        if state_file is not None:
            added = add_to_state(files, state_file, series_max=series_max, requests_max=requests_max)
            click.echo(_added(added, state_file))
            return
        for lines in backfill(chunks(files), step_ms=step_ms, labels=labels):
            sys.stdout.buffer.write(lines.encode())
    except (UnreadableFile, TooManySteps, StateError, StateUnavailable) as error:
        _fail(error)


def _added(added: Added, state_file: Path) -> str:
    if not added.events:
        return f"nothing added to {shown(state_file)}: there is no event in the files that was not counted before"
    events = "1 event" if added.events == 1 else f"{added.events:,} events"
    return f"{events} added to {shown(state_file)}"


def _event_paths(event_files: Sequence[Path]) -> list[Path]:
    if Path(EVENTS_OFF) in event_files:
        raise StartupError(
            "events are off, so there is nothing to count; set the proxy's event file with --events"
        )
    if not all(path.name for path in event_files):
        raise StartupError("--events names no file; set the proxy's event file, or a glob")
    try:
        return list(dict.fromkeys(path.expanduser().absolute() for path in event_files))
    except (RuntimeError, OSError) as error:  # no such user, or the current folder is gone
        raise StartupError(
            f"{str(error).rstrip('.')}; set the event file with an absolute path in --events"
        ) from error


def _default_state(paths: Sequence[Path]) -> Path:
    folder = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return (Path(folder) if folder else paths[0].parent) / "exporter.db"


def _fail(error: Exception) -> NoReturn:
    for line in str(error).splitlines():
        click.echo(f"cr-exporter: {line}", err=True)
    sys.exit(STARTUP_FAILED)
