"""An exporter that kills itself with SIGKILL at the N-th step of its engine: PATH STATE N. It prints its totals."""

import os
import signal
import sys
from itertools import count
from pathlib import Path

from support.exporter.engine import EngineRig


def main(path: str, state: str, fatal_step: str) -> None:
    steps = count(1)

    def step(_: str) -> None:
        if next(steps) == int(fatal_step):
            os.kill(os.getpid(), signal.SIGKILL)

    engine = EngineRig(Path(path), state=Path(state), step=step)
    show(engine)
    engine.run_pass()
    show(engine)


def show(engine: EngineRig) -> None:
    print(engine.shown()["coderouter_requests_total", ()], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
