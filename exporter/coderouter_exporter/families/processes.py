"""The metric families about the proxy's processes, each a row: how busy they are, and whether they live."""

from typing import get_args

from coderouter_events.closed_sets import QueueResult
from coderouter_events.events import Heartbeat, ProviderQueued, Startup
from coderouter_exporter.families.kinds import Counter, Feed, Gauge, Histogram, Sum, closed, families_of
from coderouter_exporter.families.labels import PROVIDER

QUEUE_WAIT_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)

IN_FLIGHT = Gauge(
    name="coderouter_in_flight_requests",
    help="Client requests in flight, as reported in the last heartbeat of each live proxy process; they send one "
    "every 15 s.",
    reads="requests_in_flight",
)
PROVIDER_IN_FLIGHT = Gauge(
    name="coderouter_provider_in_flight_requests",
    help="Requests in flight at a provider with `max_in_flight`, as reported in the last heartbeat of each live proxy "
    "process.",
    labels=("provider",),
    reads="provider_in_flight",
)
PROVIDER_WAITING = Gauge(
    name="coderouter_provider_waiting_requests",
    help="Requests that wait in line for a provider with `max_in_flight`, as reported in the last heartbeat of each "
    "live proxy process.",
    labels=("provider",),
    reads="provider_waiting",
)
QUEUE_WAIT = Histogram(
    name="coderouter_provider_queue_wait_seconds",
    help="Time in line of requests that had to wait for a provider with `max_in_flight`, by how it ended: place (they "
    "got one), timeout (none within `queue_s`), or left (the client disconnected).",
    labels=("provider", "result"),
    feeds=(Feed(ProviderQueued, (PROVIDER, closed("result", get_args(QueueResult))), Sum("waited_s")),),
    buckets=QUEUE_WAIT_BUCKETS,
)
REFUSED = Counter(
    name="coderouter_refused_total",
    help="Clients refused before anything else: connections (too many were open), requests (not valid HTTP, or a head "
    "too large), bodies (no memory for them), or slow (closed because they sent or read too slowly).",
    labels=("reason",),
    feeds=(
        Feed(Heartbeat, ("connections",), Sum("refused_connections")),
        Feed(Heartbeat, ("requests",), Sum("refused_requests")),
        Feed(Heartbeat, ("bodies",), Sum("refused_bodies")),
        Feed(Heartbeat, ("slow",), Sum("closed_slow")),
    ),
    preset=(("connections", "requests", "bodies", "slow"),),
)
UP = Gauge(
    name="coderouter_up",
    help="1 while a proxy process is alive: it holds the lock next to the event file or, if the lock cannot be seen, "
    "has sent a heartbeat within 45 s and has not shut down.",
    reads="up",
)
STARTS = Counter(
    name="coderouter_starts_total",
    help="Proxy process starts.",
    feeds=(Feed(Startup),),
)
LAST_EVENT = Gauge(
    name="coderouter_last_event_timestamp_seconds",
    help="Unix time of the newest event; 0 before the first one.",
    reads="state.last_event_ts",
)
INFO = Gauge(
    name="coderouter_info",
    help="Always 1; the labels describe the newest configuration of the proxy.",
    labels=("version", "default_profile", "allow_paid"),
    reads="info",
)

FAMILIES = families_of(vars())
