"""Files are put into the order of writing by writer and number, and by times only where those do not decide."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_exporter.records.age import FirstEvent, first_event, oldest_first
from support.exporter.process import tried

HOUR_S = 3600.0


def in_order(*firsts: FirstEvent) -> list[FirstEvent]:
    return oldest_first(firsts, lambda first: first)


def test_files_are_in_the_order_of_their_first_times() -> None:
    firsts = [FirstEvent(3.0, b"c", 1), FirstEvent(1.0), FirstEvent(2.0, b"b", 7)]
    assert [first.ts for first in in_order(*firsts)] == [1, 2, 3]


def test_a_clock_that_was_ahead_does_not_move_a_file_behind_the_next_one_of_its_writer() -> None:
    before = FirstEvent(1.0, b"old", 1)
    ahead = FirstEvent(9 * HOUR_S, b"new", 1)
    after = FirstEvent(2.0, b"new", 900)
    assert in_order(after, ahead, before) == [before, ahead, after]


@given(
    st.lists(st.builds(FirstEvent, st.floats(0, 1e10), st.sampled_from([b"", b"a", b"b"]), st.integers(1, 9)))
)
def test_every_file_is_kept_and_the_numbers_of_each_writer_ascend(firsts: list[FirstEvent]) -> None:
    ordered = in_order(*firsts)
    assert sorted(ordered) == sorted(firsts)
    for writer in (b"a", b"b"):
        seqs = [first.seq for first in ordered if first.writer == writer]
        assert seqs == sorted(seqs)


AT = "2026-11-23T19:16:58.000Z"
AT_TS = 1795461418.0


@pytest.mark.parametrize(
    ("head", "first"),
    [
        (tried(ts=AT, writer="w", seq=7), FirstEvent(AT_TS, b"w", 7)),
        (b"garbage\n" + tried(ts=AT) + tried(writer="w", seq=7), FirstEvent(AT_TS)),
        (tried(ts=AT, writer="w", seq=7)[:-2], FirstEvent(AT_TS, b"w", 7)),
        (tried(ts="2036-01-01T00:00:00.000Z", writer="w", seq=7), FirstEvent(5.0, b"w", 7)),
        (tried(ts="?", writer="w", seq=7), FirstEvent(5.0, b"w", 7)),
        (b"\xff\n", FirstEvent(5.0)),
        (b"", FirstEvent(5.0)),
    ],
)
def test_the_first_event_of_a_file_is_read_from_its_head(head: bytes, first: FirstEvent) -> None:
    assert first_event(head, 5.0, partial(float.__lt__, 2e9)) == first
