"""Keeps the newest state that each proxy process reported of itself."""

from itertools import islice

from coderouter_events.events import Heartbeat, Shutdown, Startup
from coderouter_exporter.fold.reading import Reading, line_of
from coderouter_exporter.records.columns import scaled
from coderouter_exporter.records.record import Record
from coderouter_exporter.state.order import is_newer
from coderouter_exporter.state.reported import ProxyHeartbeat, Queue

PROCESSES_MAX = 8192
ENDED_MAX = 64
"""Ended processes that are kept: the last one is shown, and the startup of another may be read late."""


def update_heartbeats(reading: Reading) -> None:
    """Keep them in the order in which they were read, the newest last."""
    heartbeats = reading.state.heartbeats
    for record in reading.of(Startup.msg, Heartbeat.msg, Shutdown.msg):
        if record.writer is None:
            continue
        line = line_of(record)
        previous = heartbeats.pop(record.writer, None)
        heartbeats[record.writer] = (
            previous
            if previous is not None and not is_newer(line, previous.line)
            else ProxyHeartbeat(
                ts=reading.event_ts(record),
                in_flight=_count(record.in_flight or 0),
                ended=record.msg == Shutdown.msg,
                line=line,
                queues=_queues(record),
            )
        )
    if Shutdown.msg in reading.groups or len(heartbeats) > PROCESSES_MAX:
        _forget(heartbeats)


def _queues(record: Record) -> tuple[Queue, ...]:
    waiting = record.provider_waiting
    return tuple(
        Queue(name, _count(in_flight), _count(waiting.get(name, 0)))
        for name, in_flight in record.provider_in_flight.items()
    )


def _count(reported: int) -> int:
    return max(0, scaled(reported, 1))


def _forget(heartbeats: dict[str, ProxyHeartbeat]) -> None:
    """Forget the processes beyond the bounds, those heard first before others."""
    ended = [writer for writer, heartbeat in heartbeats.items() if heartbeat.ended]
    for writer in [*ended[:-ENDED_MAX], *islice(heartbeats, max(0, len(heartbeats) - PROCESSES_MAX))]:
        heartbeats.pop(writer, None)
