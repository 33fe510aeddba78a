"""Damage what comes from outside, at length: `make fuzz`.

`FUZZ_RUNS` cases (100,000) of each kind, and ten times as many lines; each is made of `FUZZ_SEED` and its number.
`FUZZ_KIND=http` runs one kind, and `FUZZ_ONLY=17` one of its cases again. Exits 1 if a client got what is not
well-formed or a 500, a try had not one outcome, the log has an error, a call held the event loop, or a line was not
counted.
"""

import asyncio
import os
import sys
from collections import Counter

from fuzz import body_cases, case, http_cases, lines
from fuzz.run import run

RUNS = int(os.environ.get("FUZZ_RUNS", "100000"))
SEED = os.environ.get("FUZZ_SEED", "1")
ONLY = os.environ.get("FUZZ_ONLY")
LINES = "lines"
LINES_PER_RUN = 10
SHOWN_MAX = 400
CASES = {"answers": case.case, "http": http_cases.case, "bodies": body_cases.case}
"""By kind: answers of providers, their HTTP, and requests of clients."""
KINDS = (os.environ["FUZZ_KIND"],) if "FUZZ_KIND" in os.environ else (*CASES, LINES)


def main() -> int:
    wrong = [each for kind in KINDS for each in (_lines() if kind == LINES else _cases(kind))]
    print(f"{len(wrong)} wrong")
    return 1 if wrong else 0


def _cases(kind: str) -> list[str]:
    made = CASES[kind]
    numbers = range(RUNS) if ONLY is None else [int(ONLY)]
    if ONLY is not None:
        print(made(numbers[0], SEED))
    result = asyncio.run(run(made(number, SEED) for number in numbers))
    if ONLY is not None:
        print(*result.answers.values())
    held = f"the loop was held for {result.held_s * 1000:.0f} ms at most"
    _show(
        result.ends,
        f"{kind}, seed {SEED}; {result.tries:,} tries, each with one outcome; {held}",
        result.wrong,
    )
    return result.wrong


def _lines() -> list[str]:
    result = lines.run(RUNS * LINES_PER_RUN, SEED)
    _show(result.results, f"results of {RUNS * LINES_PER_RUN:,} event lines, seed {SEED}", result.wrong)
    return result.wrong


def _show(counts: Counter[str], total: str, wrong: list[str]) -> None:
    for name, count in sorted(counts.items()):
        print(f"{count:10,}  {name}")
    print(f"{counts.total():10,}  {total}", *wrong[:SHOWN_MAX], sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
