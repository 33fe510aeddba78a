"""Keeps the newest state that each proxy process reported of itself."""

from coderouter_events.events import Heartbeat, Shutdown, Startup
from coderouter_exporter.fold.fields import Groups, event_ts
from coderouter_exporter.records.columns import scaled
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.sequences import WRITERS_MAX
from coderouter_exporter.state.state import ProxyHeartbeat, Queue, State


def update_heartbeats(state: State, groups: Groups) -> None:
    heartbeats = state.heartbeats
    for event in (Startup.msg, Heartbeat.msg, Shutdown.msg):
        for record in groups.get(event, ()):
            if record.writer is not None:
                in_flight = _count(record.in_flight or 0)
                ended = event == Shutdown.msg
                reported = ProxyHeartbeat(event_ts(state, record), in_flight, ended, _queues(record))
                previous = heartbeats.get(record.writer, reported)
                heartbeats[record.writer] = max(reported, previous, key=_newer)
    if len(heartbeats) > WRITERS_MAX:
        newest = sorted(heartbeats.items(), key=lambda entry: (entry[1].ts, entry[0]))
        state.heartbeats = dict(newest[-WRITERS_MAX:])


def _queues(record: Record) -> tuple[Queue, ...]:
    waiting = record.provider_waiting
    return tuple(
        Queue(name, _count(in_flight), _count(waiting.get(name, 0)))
        for name, in_flight in record.provider_in_flight.items()
    )


def _count(reported: int) -> int:
    return max(0, scaled(reported, 1))


def _newer(heartbeat: ProxyHeartbeat) -> tuple[float, bool, int]:
    """Order heartbeats by time; of the same millisecond, a shutdown is the newest."""
    return heartbeat.ts, heartbeat.ended, heartbeat.in_flight
