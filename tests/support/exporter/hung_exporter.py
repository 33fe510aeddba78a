"""An exporter whose engine hangs, as on a hanging disk, while a file named `hang` exists.

Arguments: the event file and the state file.
"""

import logging
import sys
import time
from pathlib import Path

from coderouter_exporter.http.server import Progress
from coderouter_exporter.run import serve

HANG = Path("hang")


class _Hanging(Progress):
    def __call__(self, step: str) -> None:
        super().__call__(step)
        while HANG.exists():
            time.sleep(0.01)


def main() -> None:
    logging.basicConfig(level="INFO", stream=sys.stderr)
    events, state = (Path(argument).absolute() for argument in sys.argv[1:])
    sys.exit(serve([events], state, ("127.0.0.1", 0), progress=_Hanging()))


if __name__ == "__main__":
    main()
