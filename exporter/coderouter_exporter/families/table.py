"""Every metric family the exporter serves, and their table for the README."""

from collections.abc import Iterable, Iterator

from coderouter_exporter.families import caches, coderouter_2x, exporter, processes, proxy, requests
from coderouter_exporter.families.kinds import AnyFamily, Counter, Gauge, Histogram

OF_THE_PROXY = (*proxy.FAMILIES, *processes.FAMILIES, *requests.FAMILIES, *caches.FAMILIES)
FAMILIES = (*OF_THE_PROXY, *coderouter_2x.FAMILIES, *exporter.FAMILIES)
COUNTERS = tuple(family for family in FAMILIES if isinstance(family, Counter))
HISTOGRAMS = tuple(family for family in FAMILIES if isinstance(family, Histogram))
GAUGES = tuple(family for family in FAMILIES if isinstance(family, Gauge))
FED: tuple[Counter | Histogram, ...] = (*COUNTERS, *HISTOGRAMS)

FED_BY_NAME = {family.name: family for family in FED}


def metric_table() -> str:
    """Return the families as the Markdown table of the README."""
    return "\n".join(_table_lines((*OF_THE_PROXY, *exporter.FAMILIES))) + "\n"


def metric_table_2x() -> str:
    """Return the families that only events of CodeRouter 2.x feed, in the same form."""
    return "\n".join(_table_lines(coderouter_2x.FAMILIES)) + "\n"


def _table_lines(families: Iterable[AnyFamily]) -> Iterator[str]:
    yield "| metric | type | labels | meaning | fed by |"
    yield "| --- | --- | --- | --- | --- |"
    for family in families:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        events = ", ".join(_feeding_events(family))
        yield f"| `{family.name}` | {type(family).__name__.lower()} | {labels} | {family.help} | {events} |"


def _feeding_events(family: AnyFamily) -> dict[str, None]:
    """Return the names of the events that feed the family, without repetition."""
    feeds = () if isinstance(family, Gauge) else family.feeds
    return dict.fromkeys(f"`{feed.event.msg}`" for feed in feeds)
