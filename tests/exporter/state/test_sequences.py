import pytest
from hypothesis import given
from hypothesis import strategies as st

from coderouter_exporter.records.record import Record
from coderouter_exporter.state.sequences import (
    ENDED_MAX,
    INTERVALS_MAX,
    SEQ_MAX,
    WRITERS_MAX,
    Writer,
    Writers,
)


def numbered(*seqs: int, writer: str = "w") -> list[Record]:
    return [Record(writer=writer, seq=seq) for seq in seqs]


def taken(writers: Writers, records: list[Record], file: int = 0) -> list[int | None]:
    return [record.seq for record in writers.take(records, file=file)[0]]


def test_a_new_number_is_taken_once() -> None:
    writers = Writers()
    assert taken(writers, numbered(1, 2, 3)) == [1, 2, 3]
    assert taken(writers, numbered(2, 3, 4)) == [4]
    assert taken(writers, numbered(1, 4)) == []
    assert writers.known["w"].bounds == [1, 4]


def test_a_number_twice_in_one_batch_is_taken_once() -> None:
    assert taken(Writers(), numbered(1, 2, 2, 1)) == [1, 2]


def test_a_gap_is_missing_until_the_late_event_arrives() -> None:
    writers = Writers()
    taken(writers, numbered(1, 5))
    assert writers.missing() == 3
    assert taken(writers, numbered(3)) == [3]
    assert writers.missing() == 2
    assert taken(writers, numbered(2, 4)) == [2, 4]
    assert (writers.missing(), writers.known["w"].bounds) == (0, [1, 5])


def test_events_before_the_first_one_seen_are_missing() -> None:
    writers = Writers()
    taken(writers, numbered(8, 9))
    assert writers.missing() == 7


def test_writers_do_not_mix() -> None:
    writers = Writers()
    mixed = [
        record
        for pair in zip(numbered(1, 2, 3), numbered(1, 2, 3, writer="v"), strict=True)
        for record in pair
    ]
    assert len(taken(writers, mixed)) == 6
    assert len(taken(writers, mixed)) == 0
    assert writers.missing() == 0


def test_events_without_a_valid_number_are_always_new_and_never_remembered() -> None:
    writers = Writers()
    records = [
        Record(),
        Record(writer="w"),
        Record(seq=1),
        *numbered(0, -1, SEQ_MAX + 1, 1 << 70),
        *numbered(1, writer=""),
        *numbered(1, writer="x" * 1000),
    ]
    assert len(taken(writers, records)) == len(records)
    assert len(taken(writers, [*records, *numbered(1)])) == len(records) + 1
    assert writers.known.keys() == {"w"}


def test_the_intervals_of_a_writer_are_bounded_and_dropped_gaps_stay_missing() -> None:
    writers = Writers()
    every_other = range(1, 4 * INTERVALS_MAX, 2)
    taken(writers, numbered(*every_other))
    assert len(writers.known["w"].bounds) == 2 * INTERVALS_MAX
    assert writers.missing() == len(every_other) - 1
    assert taken(writers, numbered(2, 4 * INTERVALS_MAX - 2)) == [4 * INTERVALS_MAX - 2], (
        "2 may have been counted"
    )


@pytest.mark.parametrize("number", [5000, WRITERS_MAX])
def test_that_many_live_writers_are_exact(number: int) -> None:
    writers = Writers()
    names = [f"w{n}" for n in range(number)]
    for seq in range(1, 4):
        for at in range(0, number, 1000):
            taken(writers, [Record(writer=name, seq=seq) for name in names[at : at + 1000]])
    assert (writers.missing(), writers.forgotten, len(writers.known)) == (0, 0, number)
    assert taken(writers, [Record(writer=name, seq=3) for name in names]) == []


def test_beyond_the_maximum_the_writer_read_longest_ago_is_forgotten_and_counted() -> None:
    writers = Writers()
    taken(writers, numbered(2, writer="quiet"))
    taken(writers, numbered(1, writer="live"))
    for number in range(WRITERS_MAX - 2):
        taken(writers, numbered(1, writer=f"w{number}"))
    assert writers.forgotten == 0
    taken(writers, numbered(2, writer="live"))
    taken(writers, numbered(1, writer="one more"))
    assert writers.forgotten == 1
    assert "live" in writers.known
    assert "quiet" not in writers.known
    assert writers.missing() == 1, "its missing event stays missing"


def test_a_writer_that_has_ended_takes_no_place_of_a_live_one_and_is_still_recognised() -> None:
    writers = Writers()
    for number in range(ENDED_MAX + 5):
        taken(writers, numbered(1, writer=f"w{number}"))
        writers.end(f"w{number}")
    assert (len(writers.known), len(writers.ended), writers.forgotten) == (0, ENDED_MAX, 0)
    assert taken(writers, numbered(1, writer=f"w{ENDED_MAX}")) == []


def test_numbers_that_a_later_process_reports_are_missing_until_they_are_read() -> None:
    writers = Writers()
    taken(writers, numbered(1, 2))
    writers.report({})
    writers.report({"w": 5, "never seen": 2})
    assert writers.missing() == 5
    taken(writers, numbered(3, 4, 5))
    taken(writers, numbered(1, 2, writer="never seen"))
    assert writers.missing() == 0


def test_a_writer_from_before_the_first_startup_event_is_not_missing() -> None:
    writers = Writers()
    for _ in range(2):
        writers.report({"removed long ago": 7})
    assert writers.missing() == 0


@pytest.mark.parametrize("ended", [None, [], {"w": "5"}, {"w": -1}, {"w" * 65: 3}, {"w": 1 << 60}])
def test_a_report_that_makes_no_sense_changes_nothing(ended: object) -> None:
    writers = Writers()
    writers.report({})
    writers.report(ended)
    assert (writers.missing(), writers.known) == (0, {})


def test_the_next_line_of_a_writer_ends_the_doubt_about_a_lost_file() -> None:
    writers = Writers()
    taken(writers, numbered(1, 2), file=1)
    taken(writers, numbered(1, writer="elsewhere"), file=2)
    writers.lose(1)
    assert writers.in_doubt() == 1
    taken(writers, numbered(1, 2), file=3)
    assert writers.in_doubt() == 1, "a copy of known lines proves nothing"
    taken(writers, numbered(4), file=3)
    assert (writers.in_doubt(), writers.missing()) == (0, 1)


@given(st.lists(st.lists(st.tuples(st.sampled_from("vw"), st.integers(1, 30)), max_size=20), max_size=8))
def test_it_agrees_with_a_set_of_all_numbers(batches: list[list[tuple[str, int]]]) -> None:
    writers = Writers()
    seen: set[tuple[str, int]] = set()
    for batch in batches:
        new = []
        for pair in batch:
            if pair not in seen:
                new.append(pair)
                seen.add(pair)
        records = [Record(writer=writer, seq=seq) for writer, seq in batch]
        assert [(r.writer, r.seq) for r in writers.take(records)[0]] == new
    for name in {writer for writer, _ in seen}:
        of_it = {seq for writer, seq in seen if writer == name}
        assert writers.known[name].missing() == max(of_it) - len(of_it)
        bounds = writers.known[name].bounds
        assert bounds == sorted(bounds)


def test_a_run_without_a_gap_is_one_step_however_long() -> None:
    steps = []

    class Counting(Writer):
        def add(self, first: int, last: int) -> None:
            steps.append((first, last))
            super().add(first, last)

    writers = Writers(known={"w": Counting()})
    taken(writers, numbered(*range(1, 5001)))
    taken(writers, numbered(*range(5001, 9001)))
    assert taken(writers, numbered(*range(1, 9001))) == []
    assert steps == [(1, 5000), (5001, 9000)]
