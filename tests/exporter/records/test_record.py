"""The record type has every field that a metric family reads, declared by hand or not."""

from collections.abc import Sequence

import msgspec
import pytest

from coderouter_events.events import Heartbeat, ProviderRecovered, Startup
from coderouter_exporter.families.kinds import EachOf, Feed, Field, Sum
from coderouter_exporter.records.record import Record, with_fields_of


def test_a_field_that_only_a_row_reads_is_decoded() -> None:
    feeds = [
        Feed(Heartbeat, adds=Sum("rss_bytes")),
        Feed(ProviderRecovered, (Field("provider"),), Sum("cooldown_s")),
        Feed(Startup, (Field("mode_source"), EachOf("providers"))),
    ]
    kind = with_fields_of(feeds)
    assert issubclass(kind, Record)
    record = msgspec.json.decode(
        b'{"msg":"x","rss_bytes":7,"cooldown_s":0.5,"mode_source":"env","providers":["p"]}', type=kind
    )
    read = {
        name: getattr(record, name) for name in kind.__struct_fields__ if name not in Record.__struct_fields__
    }
    assert read == {"rss_bytes": 7, "cooldown_s": 0.5, "mode_source": "env", "providers": ["p"]}
    assert kind.__annotations__["providers"] == Sequence[str]


def test_nothing_is_added_for_fields_that_the_record_has() -> None:
    assert with_fields_of([Feed(Heartbeat, adds=Sum("in_flight"))]) is Record


def test_a_field_that_cannot_be_counted_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"cannot read the field 'catalog': it is of type list\[.*CatalogEntry\]"
    ):
        with_fields_of([Feed(Startup, (Field("catalog"),))])
