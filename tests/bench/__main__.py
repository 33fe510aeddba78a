"""`make bench`: print what was measured beside what it should be; never fails on a slow machine."""

import sys

from bench import exporter, proxy, startup
from bench.figures import Figure


def main() -> None:
    wanted = sys.argv[1:]
    print(f"{'figure':<58} {'measured':>12}   should be")
    for part in (startup.figures, proxy.figures, exporter.figures):
        if wanted and part.__module__.rpartition(".")[2] not in wanted:
            continue
        for figure in part():
            _show(figure)


def _show(figure: Figure) -> None:
    verdict = "" if figure.good else "   <- falls short"
    print(f"{figure.name:<58} {figure.measured:>12}   {figure.should_be}{verdict}", flush=True)


if __name__ == "__main__":
    main()
