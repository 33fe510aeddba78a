"""From the exemplars of histograms to the spans of their requests."""

import sqlite3
from collections.abc import Iterable, Mapping
from itertools import islice

from coderouter_exporter.otlp.ids import Ids, ids
from coderouter_exporter.state.state import State

AT_ONCE = 500

Spans = Mapping[str, Ids]
"""By request id."""


def request_ids(state: State) -> set[str]:
    """Return the requests that exemplars name."""
    return {
        exemplar.request_id
        for histogram in state.histograms.values()
        for series in histogram.values()
        for exemplar in series.exemplars.values()
    }


def find_spans(db: sqlite3.Connection, wanted: Iterable[str]) -> Spans:
    """Return the ids of the spans of those requests that are kept."""
    left = iter(wanted)
    found: dict[str, Ids] = {}
    while some := tuple(islice(left, AT_ONCE)):
        query = (
            "SELECT request_id, writer, traceparent FROM request "
            f"WHERE request_id IN ({', '.join('?' * len(some))}) ORDER BY at"
        )
        found |= {request_id: ids(request_id, *more) for request_id, *more in db.execute(query, some)}
    return found
