"""Some of the faults of `make faults`: system calls of a running exporter fail; it survives, says so and recovers."""

from pathlib import Path

import pytest

from faults.calls import AT_THE_START, WHILE_RUNNING, Fault, faults
from faults.injection import can_inject
from faults.rounds import Bench, Verdicts, at_the_start, serving, while_running

pytestmark = pytest.mark.skipif(not can_inject(), reason="strace is not installed, or may not attach here")


def test_calls_that_fail_while_it_runs_end_nothing_and_are_no_silent_loss(tmp_path: Path) -> None:
    verdicts = Verdicts()
    bench = Bench(tmp_path, verdicts)
    with serving(bench) as exporter:
        for call, error in (
            ("newfstatat", "EIO"),
            ("openat", "EMFILE"),
            ("pread64", "ESTALE"),
            ("getdents64", "EIO"),
            ("pwrite64", "ENOSPC"),
        ):
            assert error in WHILE_RUNNING[call]
            assert while_running(bench, exporter, Fault(call, error, lasts=True)), f"{call} was not called"
    bench.close()
    assert verdicts.seen[False, False] > 0
    assert verdicts.seen[True, False] == 0


@pytest.mark.parametrize(("call", "error"), [("openat", "EACCES"), ("close", "EIO")])
def test_a_start_while_files_cannot_be_opened_or_closed_is_put_off(
    tmp_path: Path, call: str, error: str
) -> None:
    bench = Bench(tmp_path, Verdicts())
    assert at_the_start(bench, Fault(call, error, lasts=True))
    bench.close()


def test_each_error_is_injected_once_and_lastingly() -> None:
    found = list(faults(AT_THE_START))
    assert len(found) == len(set(found)) > 150
