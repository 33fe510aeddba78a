"""The few records of a batch that decide what is shown beside the counts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, islice
from operator import attrgetter

from coderouter_events.events import ProviderFailed, ProviderFailedMidstream, ProviderOk, RequestFinished
from coderouter_exporter.fold.latest import ATTEMPT_EVENTS
from coderouter_exporter.fold.plans import PLANS
from coderouter_exporter.records.record import Record

_MANY = ATTEMPT_EVENTS | {RequestFinished.msg}
"""Events that rarely decide anything; any other event may."""
_provider = attrgetter("provider")
_ENDS = (ProviderOk.msg, ProviderFailed.msg, ProviderFailedMidstream.msg)


def deciding(records: Sequence[Record], groups: Mapping[str, Sequence[Record]]) -> list[Record]:
    """Return, in order, the records without which `update_latest` would leave another state.

    Those that are in the lists of the newest entries are left out.
    """
    found = set(map(id, _deciding(records, groups)))
    return list(compress(records, map(found.__contains__, map(id, records))))


def _deciding(records: Sequence[Record], groups: Mapping[str, Sequence[Record]]) -> Iterator[Record]:
    for event in groups.keys() & PLANS.keys() - _MANY:
        yield from groups[event]
    yield from islice((record for record in reversed(records) if record.msg in PLANS), 1)
    for event in _ENDS:
        ends = groups.get(event, ())
        providers = list(map(_provider, ends))
        yield from dict(zip(providers, ends, strict=True)).values()
        # The first one of each provider decides which of them are kept when there are too many.
        yield from dict(zip(reversed(providers), reversed(ends), strict=True)).values()
    failures = reversed(groups.get(ProviderFailed.msg, ()))
    yield from islice((record for record in failures if record.retryable), 1)
