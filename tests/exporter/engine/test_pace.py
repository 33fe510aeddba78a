"""How often the engine looks for lines depends on how they come."""

from coderouter_exporter.engine.pace import FAST_BYTES_PER_S, POLL_S, QUIET_PASSES, Pace
from support.processes import eventually

QUIET_POLL_S = 3.0


def quiet() -> Pace:
    pace = Pace(QUIET_POLL_S)
    for _ in range(QUIET_PASSES):
        assert pace.pause_s == POLL_S
        pace.add(0)
    assert pace.pause_s == QUIET_POLL_S
    return pace


def test_when_something_is_read_it_looks_more_often() -> None:
    pace = quiet()
    pace.add(1)
    assert pace.pause_s == POLL_S


def test_when_something_changes_it_looks_more_often() -> None:
    pace = quiet()
    pace.change()
    assert pace.pause_s == POLL_S


def test_as_long_as_something_is_left_to_be_done_it_looks_often() -> None:
    pace = quiet()
    pace.add(0, is_settled=False)
    assert pace.pause_s == POLL_S


def test_whether_lines_come_fast_is_decided_over_time() -> None:
    pace = Pace()
    pace.add(100 * FAST_BYTES_PER_S)
    assert not pace.is_fast, "a part of a second says nothing"

    def is_fast(each: int) -> bool:
        pace.add(each)
        return pace.is_fast

    eventually(lambda: is_fast(FAST_BYTES_PER_S))
    eventually(lambda: not is_fast(0))
