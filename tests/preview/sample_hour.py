"""An hour of generated traffic, written with the proxy's own writer.

A local model answers most requests. After twenty minutes it is down for twelve. A free cloud model takes over until it
rate-limits the requests, which a paid model then answers.
"""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch

from coderouter_events.events import ConfigReloaded, Event, Heartbeat, Startup
from coderouter_proxy.eventlog import writer
from coderouter_proxy.eventlog.writer import EventLog
from preview.providers import CATALOG, CHAINS
from preview.requests import Timed, Traffic

HOUR_S = 3600
HEARTBEAT_S = 15
RELOADED_AT_S = 2600
IDLE_AT_S = range(3000, 3240)  # no requests for four minutes


def write_hour(log: EventLog, end: float, seed: int) -> None:
    """Write the events of the hour before `end` (Unix time), each at its own time."""
    for at, event in sorted(_hour(seed), key=lambda timed: timed[0]):
        if at < HOUR_S:
            _write(log, end - HOUR_S + at, event)


def _hour(seed: int) -> Iterator[Timed]:
    traffic = Traffic(seed)
    yield 0.0, _configured(Startup)
    yield RELOADED_AT_S, _configured(ConfigReloaded)
    arrived = 1.0
    while arrived < HOUR_S:
        if int(arrived) not in IDLE_AT_S:
            yield from traffic.request(arrived)
        arrived += traffic.next_arrival_s(arrived)
    for at in range(HEARTBEAT_S, HOUR_S, HEARTBEAT_S):
        yield at, Heartbeat(in_flight=traffic.in_flight(at), rss_bytes=61_000_000, events_dropped=0)


def _configured(event: type[Startup]) -> Startup:
    return event(
        version="2.0.0",
        providers=[entry["name"] for entry in CATALOG],
        profiles=list(CHAINS),
        default_profile="auto",
        allow_paid=True,
        mode_source="config",
        display_timezone=None,
        catalog=CATALOG,
        chains=CHAINS,
    )


def _write(log: EventLog, ts: float, event: Event) -> None:
    clock = SimpleNamespace(time=lambda: ts, strftime=time.strftime, gmtime=time.gmtime)
    with patch.object(writer, "time", clock):
        log.write(event)
