from hypothesis import given
from hypothesis import strategies as st

from coderouter_exporter.records.record import Record
from coderouter_exporter.state import sequences
from coderouter_exporter.state.sequences import INTERVALS_MAX, SEQ_MAX, WRITERS_MAX, Writer, Writers


def numbered(*seqs: int, writer: str = "w") -> list[Record]:
    return [Record(writer=writer, seq=seq) for seq in seqs]


def taken(writers: Writers, records: list[Record], now_ts: float = 0.0) -> list[int | None]:
    return [record.seq for record in writers.take(records, now_ts)]


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
    assert len(writers.take(records, 0.0)) == len(records)
    assert len(writers.take([*records, *numbered(1)], 0.0)) == len(records) + 1
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


def test_beyond_the_maximum_of_writers_the_one_that_ended_first_is_forgotten() -> None:
    writers = Writers()
    taken(writers, numbered(1, writer="alive"), now_ts=1.0)
    taken(writers, numbered(2, writer="ended first"), now_ts=2.0)
    writers.end("ended first")
    for number in range(WRITERS_MAX - 2):
        taken(writers, numbered(1, writer=f"w{number}"), now_ts=3.0)
    assert len(writers.known) == WRITERS_MAX
    taken(writers, numbered(1, writer="one more"), now_ts=4.0)
    assert len(writers.known) == WRITERS_MAX
    assert "alive" in writers.known
    assert "ended first" not in writers.known
    assert writers.missing() == 1, "its missing event stays missing"


def test_a_silent_writer_is_forgotten_before_a_live_one() -> None:
    writers = Writers()
    taken(writers, numbered(1, writer="quiet"), now_ts=0.0)
    for number in range(WRITERS_MAX):
        taken(writers, numbered(1, writer=f"w{number}"), now_ts=sequences.QUIET_S + 1)
    assert "quiet" not in writers.known


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
        assert [(r.writer, r.seq) for r in writers.take(records, 0.0)] == new
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
