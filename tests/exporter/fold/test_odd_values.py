"""Whatever a line holds, it can be counted, kept and shown."""

import orjson
import pytest

from coderouter_events.events import EVENTS
from coderouter_exporter.families.events_2x import EVENTS_2X
from coderouter_exporter.fold.fold import fold
from coderouter_exporter.records.decode import Chunk
from coderouter_exporter.records.record import RECORDS
from coderouter_exporter.render.exposition import Format, render
from coderouter_exporter.render.report import report
from coderouter_exporter.render.view import View
from coderouter_exporter.state.state import State
from support.exporter.process import line

ODD: tuple[object, ...] = (
    None,
    True,
    -1,
    1.5,
    (1 << 63) - 1,
    (1 << 64) - 1,
    -(1 << 63),
    1e308,
    -0.0,
    "",
    "\x00\x7f\u2028\ud7ff",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "x" * 5000,
    [],
    [None, 1, [[["x"]]]],
    {},
    {"a": {"b": [1]}},
)
FIELDS = (
    *dict.fromkeys(name for record in RECORDS.values() for name in record.__struct_fields__),
    "msg",
    "providers",
    "profiles",
    "catalog",
    "chains",
    "display_timezone",
    "version",
)
SHAPES = ("catalog", "chains")


@pytest.mark.parametrize("field", FIELDS)
def test_an_odd_value_in_any_field_of_any_event_is_counted_kept_and_shown(field: str) -> None:
    state = State(created_ts=1.0)
    number = 0
    for event in (*EVENTS, *EVENTS_2X):
        for value in ODD:
            values = [
                value,
                [value],
                {"a": value},
                [{"name": value, "kind": value, "monthly_budget_usd": value}],
            ]
            for shaped in values if field in SHAPES else values[:1]:
                number += 1
                fields = {"writer": f"w{number % 7}", "seq": number, "provider": "p", "request_id": "r"}
                data = orjson.dumps(orjson.loads(line(event.msg, **fields)) | {field: shaped}) + b"\n"
                fold(state, Chunk(data, len(data)))
        state = State.decode(state.encode())
    view = View(state=state, now_ts=2.0)
    assert render(view, Format.TEXT)
    assert render(view, Format.OPENMETRICS)
    assert orjson.dumps(report(view))
