"""Cutting bytes into events, wherever the network cuts them."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_proxy.wires import sse

ODD = st.lists(
    st.sampled_from([b"\n", b"\r", b"\r\n", b"data: x", b": y", b"\xef\xbb\xbf", b"\0", "é".encode(), b"{"])
)


def fed(pieces: Iterable[bytes]) -> tuple[bytes, bytes]:
    buffer = sse.EventBuffer()
    return b"".join([buffer.feed(piece) for piece in pieces]), buffer.rest


def pieces_of(raw: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    return [raw[begin:end] for begin, end in pairwise(edges)]


@given(parts=ODD, cuts=st.lists(st.integers(0, 200)))
def test_events_do_not_depend_on_where_the_network_cuts(parts: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(parts)
    plain = raw.removeprefix(sse.BYTE_ORDER_MARK).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for pieces in ([raw], [bytes([byte]) for byte in raw], pieces_of(raw, cuts)):
        events, rest = fed(pieces)
        if not sse.BYTE_ORDER_MARK.startswith(raw):
            assert events + rest == plain
            assert not rest.partition(b"\n\n")[1]
        assert not events or events.endswith(b"\n\n")


def test_an_event_that_does_not_end_is_too_long() -> None:
    buffer = sse.EventBuffer()
    for _ in range(16):
        assert buffer.feed(b"x" * 1024 * 1024) == b""
    with pytest.raises(sse.TooLong):
        buffer.feed(b"x")


@pytest.mark.parametrize(
    ("raw", "event"),
    [
        (b"data: a", sse.Event(b"", b"a", b"")),
        (b"data:a\ndata:  b", sse.Event(b"", b"a\n b", b"")),
        (b"event: x\ndata: a\nid: 1\nretry: 2\nother", sse.Event(b"x", b"a", b"")),
        (b": one\nevent:error\n:two", sse.Event(b"error", b"", b": one\n:two")),
        (b"\xef\xbb\xbfdata: a", sse.Event(b"", b"a", b"")),
    ],
)
def test_what_an_event_holds(raw: bytes, event: sse.Event) -> None:
    assert sse.read(raw) == event
