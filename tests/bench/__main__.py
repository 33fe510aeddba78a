"""`make bench`: print each figure with its target; a missed target is no failure, as machines differ."""

import sys

from bench import exporter, proxy, startup
from bench.figures import Figure


def main() -> None:
    wanted = sys.argv[1:]
    print(f"{'figure':<58} {'measured':>12}   target")
    for part in (startup.figures, proxy.figures, exporter.figures):
        if wanted and part.__module__.rpartition(".")[2] not in wanted:
            continue
        for figure in part():
            _show(figure)


def _show(figure: Figure) -> None:
    verdict = "" if figure.good else "   <- missed"
    print(f"{figure.name:<58} {figure.measured:>12}   {figure.target}{verdict}", flush=True)


if __name__ == "__main__":
    main()
