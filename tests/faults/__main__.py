"""Run all faults and print each result; the exit code is 1 if one was not survived. Arguments are calls to try."""

import sys
import tempfile
import time
from pathlib import Path

from faults.calls import AT_THE_START, WHILE_RUNNING, Fault, faults
from faults.injection import can_inject
from faults.rounds import Bench, Verdicts, at_the_start, serving, while_running


def main(only: list[str]) -> int:
    if not can_inject():
        print("skipped: strace is not installed, or may not attach to processes here")
        return 0
    verdicts = Verdicts()
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        running = [fault for fault in faults(WHILE_RUNNING) if not only or fault.call in only]
        starting = [fault for fault in faults(AT_THE_START) if not only or fault.call in only]
        tried = len(running) + len(starting)
        failed += _run_all_while_running(Path(name) / "running", running, verdicts)
        for number, fault in enumerate(starting):
            failed += _run_at_the_start(Path(name) / f"start-{number}", fault, verdicts)
    print(f"{tried} faults, {len(failed)} failed; {verdicts}")
    print("\n".join(failed))
    return 1 if failed else 0


def _run_all_while_running(folder: Path, todo: list[Fault], verdicts: Verdicts) -> list[str]:
    """Run the faults on one exporter after the other, a new one only after a failure."""
    failed: list[str] = []
    number = 0
    while todo:
        number += 1
        bench = Bench(folder / str(number), verdicts)
        with serving(bench) as exporter:
            while todo:
                fault = todo.pop(0)
                started = time.monotonic()
                try:
                    hits = while_running(bench, exporter, fault)
                except Exception as error:  # noqa: BLE001 - the others run nevertheless
                    failed.append(_report(f"while running: {fault}", started, error))
                    break
                _report(f"while running: {fault}", started, hits)
        bench.close()
    return failed


def _run_at_the_start(folder: Path, fault: Fault, verdicts: Verdicts) -> list[str]:
    bench = Bench(folder, verdicts)
    started = time.monotonic()
    try:
        hits = at_the_start(bench, fault)
    except Exception as error:  # noqa: BLE001 - the others run nevertheless
        return [_report(f"at the start: {fault}", started, error)]
    finally:
        bench.close()
    _report(f"at the start: {fault}", started, hits)
    return []


def _report(name: str, started: float, result: int | Exception) -> str:
    text = f"FAILED: {result!s}" if isinstance(result, Exception) else f"{result} calls failed"
    line = f"{name}: {text} ({time.monotonic() - started:.1f} s)"
    print(line, flush=True)
    return line


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
