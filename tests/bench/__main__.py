"""`make bench`: print each figure with its limit; a missed limit is no failure, as machines differ.

The names of parts (startup, proxy, exporter) as arguments run only those.
`--json FILE` also writes the figures to a file.
"""

import argparse
from pathlib import Path

from bench import exporter, proxy, startup
from bench.figures import Figure, Unmeasured
from bench.report import write

PARTS = {"startup": startup.figures, "proxy": proxy.figures, "exporter": exporter.figures}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Measure speed, as ratios within one run.")
    parser.add_argument("parts", nargs="*", choices=PARTS, default=[*PARTS])
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    arguments = parser.parse_args()
    print(f"{'figure':<62} {'measured':>12}   limit")
    figures = []
    for part in arguments.parts:
        for figure in PARTS[part]():
            _show(figure)
            if isinstance(figure, Figure):
                figures.append(figure)
    if arguments.json:
        write(arguments.json, figures)
        print(f"written to {arguments.json}")


def _show(figure: Figure | Unmeasured) -> None:
    if isinstance(figure, Unmeasured):
        print(f"{figure.name:<62} {'-':>12}   {figure.reason}", flush=True)
        return
    verdict = "" if figure.good else "   <- missed"
    print(f"{figure.name:<62} {figure.measured:>12}   {figure.target}{verdict}", flush=True)


if __name__ == "__main__":
    main()
