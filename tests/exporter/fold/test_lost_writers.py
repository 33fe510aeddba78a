"""What startup events report of the processes before them."""

from coderouter_exporter.state.state import State
from exporter.fold.events import folded, shown, shutdown, startup
from support.exporter.process import tried


def doubts(state: State) -> tuple[float, float]:
    """Return events_missing and exact."""
    samples = shown(state)
    return samples["cr_exporter_events_missing", ()], samples["cr_exporter_exact", ()]


def test_a_writer_whose_whole_life_is_in_a_lost_file_is_missing() -> None:
    state = folded(startup(1, writer="a", seq=1, ended_writers={}), shutdown(2, writer="a", seq=2))
    folded(startup(9, writer="c", seq=1, ended_writers={"a": 2, "b": 100}), state=state)
    assert doubts(state) == (100, 0)


def test_the_last_events_of_a_killed_writer_are_missing_until_they_are_read() -> None:
    state = folded(startup(1, writer="a", seq=1), tried(writer="a", seq=2))
    folded(startup(3, writer="b", seq=1, ended_writers={"a": 5}), state=state)
    assert doubts(state) == (3, 0)
    folded(*(tried(writer="a", seq=seq) for seq in (3, 4, 5)), state=state)
    assert doubts(state) == (0, 1)


def test_writers_from_before_the_oldest_file_are_not_missing() -> None:
    state = folded(
        startup(1, writer="c", seq=1, ended_writers={"removed": 7}),
        startup(1, writer="d", seq=1, ended_writers={"removed": 7}),
    )
    assert doubts(state) == (0, 1)
