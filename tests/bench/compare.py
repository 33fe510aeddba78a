"""`make bench-compare OLD.json`: measure, or read a second file, and print what changed beyond noise.

Exits 1 if a figure is worse than before.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure
from bench.report import read


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.compare", description="Print which figures changed.")
    parser.add_argument("old", type=Path, help="figures that `make bench` wrote before")
    parser.add_argument("new", type=Path, help="figures of now")
    arguments = parser.parse_args()
    runs = []
    for path in (arguments.old, arguments.new):
        try:
            runs.append(read(path))
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.exit(f"{path}: not figures that `make bench` wrote ({error})")
    (old_machine, old), (new_machine, new) = runs
    for name in old_machine.keys() & new_machine.keys() - {"load"}:
        if old_machine[name] != new_machine[name]:
            print(f"another {name}: {old_machine[name]}, now {new_machine[name]}")
    worse = False
    for line, is_worse in changes(old, new):
        print(line)
        worse |= is_worse
    return 1 if worse else 0


def changes(old: dict[str, Figure], new: dict[str, Figure]) -> Iterator[tuple[str, bool]]:
    """Yield a line for each figure that changed, and whether it became worse; last how many did not change."""
    same = 0
    for name, now in new.items():
        before = old.get(name)
        if before is None:
            yield f"{name:<62} {'-':>12} -> {now.measured:>12}   new", False
            continue
        gain = before.value - now.value if now.lower_is_better else now.value - before.value
        if abs(gain) <= before.noise + now.noise:
            same += 1
            continue
        word = "better" if gain > 0 else "WORSE"
        percent = f"{(now.value / before.value - 1) * 100:+.0f} %" if before.value else ""
        yield f"{name:<62} {before.measured:>12} -> {now.measured:>12}   {word} {percent}", gain < 0
    for name in old.keys() - new.keys():
        yield f"{name:<62} {old[name].measured:>12} -> {'-':>12}   not measured now", False
    yield f"{same} figures did not change beyond noise", False


if __name__ == "__main__":
    sys.exit(main())
