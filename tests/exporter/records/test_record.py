"""The records of each event have every field that is shown or that a metric family reads, declared by hand or not."""

from collections.abc import Sequence

import msgspec
import pytest

from coderouter_events.events import Event, Heartbeat, ProviderRecovered, Startup, TryProvider
from coderouter_exporter.families.kinds import EachOf, Feed, Field, Sum
from coderouter_exporter.records.record import RECORDS, Record, record_of

FEEDS = [
    Feed(Heartbeat, adds=Sum("rss_bytes")),
    Feed(ProviderRecovered, (Field("provider"),), Sum("cooldown_s")),
    Feed(Startup, (Field("mode_source"), EachOf("providers"))),
]


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (Heartbeat, {"rss_bytes": 7}),
        (ProviderRecovered, {"cooldown_s": 0.5}),
        (Startup, {"mode_source": "env", "providers": ["p"]}),
    ],
)
def test_a_field_that_only_a_row_reads_is_decoded(event: type[Event], counted: dict[str, object]) -> None:
    kind = record_of(event.msg, [event], FEEDS)
    assert issubclass(kind, Record)
    record = msgspec.json.decode(
        b'{"rss_bytes":7,"cooldown_s":0.5,"mode_source":"env","providers":["p"],"msg":"%s"}'
        % event.msg.encode(),
        type=kind,
    )
    assert {name: getattr(record, name) for name in counted} == counted
    assert not {"rss_bytes", "cooldown_s", "mode_source", "providers"} - counted.keys() & {
        *kind.__struct_fields__
    }


def test_lists_are_decoded_as_sequences() -> None:
    assert record_of(Startup.msg, [Startup], FEEDS).__annotations__["providers"] == Sequence[str]


def test_the_fields_that_an_event_does_not_have_can_be_read_of_its_records() -> None:
    record = RECORDS[TryProvider.msg]()
    assert (record.msg, record.status, record.dropped) == (TryProvider.msg, None, ())
    assert record.__struct_fields__ == ("ts", "writer", "seq", "request_id", "provider", "stream")


def test_a_field_that_cannot_be_counted_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"cannot read the field 'catalog': it is of type list\[.*CatalogEntry\]"
    ):
        record_of(Startup.msg, [Startup], [Feed(Startup, (Field("catalog"),))])
