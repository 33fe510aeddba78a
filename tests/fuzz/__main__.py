"""Run `FUZZ_RUNS` cases (100,000), each made of `FUZZ_SEED` and its number; `FUZZ_ONLY=17` runs one again.

Exits 1 if any client got what is not well-formed, the log has a traceback, or one call held the event loop.
"""

import asyncio
import os
import sys

from fuzz.case import case
from fuzz.run import run

RUNS = int(os.environ.get("FUZZ_RUNS", "100000"))
SEED = os.environ.get("FUZZ_SEED", "1")
ONLY = os.environ.get("FUZZ_ONLY")
SHOWN_MAX = 400


def main() -> int:
    numbers = range(RUNS) if ONLY is None else [int(ONLY)]
    if ONLY is not None:
        print(case(numbers[0], SEED))
    result = asyncio.run(run(case(number, SEED) for number in numbers))
    if ONLY is not None:
        print(*result.answers.values())
    for end, count in sorted(result.ends.items()):
        print(f"{count:8,}  {end}")
    print(
        f"{result.ends.total():8,}  cases, seed {SEED}; the loop was held for {result.held_s * 1000:.0f} ms at most"
    )
    for wrong in result.wrong[:SHOWN_MAX]:
        print(wrong)
    print(f"{len(result.wrong)} wrong")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
