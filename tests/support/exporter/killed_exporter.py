"""An exporter that kills itself with SIGKILL at the N-th step of its engine: PATH STATE N [PROCESSES].

It prints its totals. With PROCESSES it has so many count ahead, however little there is to read.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path

from coderouter_exporter.engine.read_ahead import ReadAhead
from support.exporter.engine import EngineRig
from support.processes import eventually


def main(path: str, state: str, fatal_step: str, processes: str = "0") -> None:
    steps = count(1)

    def step(_: str) -> None:
        if next(steps) == int(fatal_step):
            os.kill(os.getpid(), signal.SIGKILL)

    ahead = ReadAhead(int(processes), bytes_behind_min=0)
    ahead.start()
    eventually(ahead.is_ready)
    engine = EngineRig(Path(path), state=Path(state), step=step, ahead=ahead)
    show(engine)
    engine.run_pass()
    show(engine)


def show(engine: EngineRig) -> None:
    print(engine.shown()["coderouter_requests_total", ()], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
