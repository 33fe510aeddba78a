"""Keeps the newest state that each proxy process reported of itself."""

from coderouter_events.events import Heartbeat, Shutdown, Startup
from coderouter_exporter.fold.fields import Groups, event_ts
from coderouter_exporter.records.columns import scaled
from coderouter_exporter.state.sequences import WRITERS_MAX
from coderouter_exporter.state.state import ProxyHeartbeat, State


def update_heartbeats(state: State, groups: Groups) -> None:
    heartbeats = state.heartbeats
    for event in (Startup.msg, Heartbeat.msg, Shutdown.msg):
        for record in groups.get(event, ()):
            if record.writer is not None:
                in_flight = max(0, scaled(record.in_flight or 0, 1))
                reported = ProxyHeartbeat(event_ts(state, record), in_flight, ended=event == Shutdown.msg)
                previous = heartbeats.get(record.writer, reported)
                heartbeats[record.writer] = max(reported, previous, key=_newer)
    if len(heartbeats) > WRITERS_MAX:
        newest = sorted(heartbeats.items(), key=lambda entry: (entry[1].ts, entry[0]))
        state.heartbeats = dict(newest[-WRITERS_MAX:])


def _newer(heartbeat: ProxyHeartbeat) -> tuple[float, bool, int]:
    """Order heartbeats by time; of the same millisecond, a shutdown is the newest."""
    return heartbeat.ts, heartbeat.ended, heartbeat.in_flight
