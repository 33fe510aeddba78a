"""Ids are made from the request, and from the client's traceparent where that is valid."""

import pytest

from coderouter_exporter.otlp.ids import ids, parse

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_request_always_has_the_same_ids_and_no_other_request_has_them() -> None:
    assert ids("r1", "w1", None) == ids("r1", "w1", None)
    found = [
        ids(request_id, writer, None) for request_id, writer in (("r1", "w1"), ("r2", "w1"), ("r1", "w2"))
    ]
    assert len({one.trace_id for one in found}) == 3
    assert len({span for one in found for span in (one.span_id, one.of_try(0), one.of_try(1))}) == 9
    assert {(len(one.trace_id), len(one.span_id), len(one.of_try(0))) for one in found} == {(16, 8, 8)}


def test_a_valid_traceparent_is_the_parent() -> None:
    found = ids("r1", "w1", f"00-{TRACE}-{SPAN}-01")
    assert (found.trace_id.hex(), found.parent_id.hex()) == (TRACE, SPAN)
    assert found.span_id == ids("r1", "w1", None).span_id
    assert found.remote_flags == 0x301
    assert found.flags == 0x101


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-0",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_is_no_traceparent_is_not_a_parent(traceparent: str | None) -> None:
    assert parse(traceparent) is None
    assert ids("r1", "w1", traceparent).parent_id == b""


def test_a_later_version_of_the_header_may_have_more_fields() -> None:
    assert parse(f"01-{TRACE}-{SPAN}-01-more") is not None
