"""`make bench`: print each figure with its limit; a missed limit is no failure, as machines differ.

The names of parts (startup, proxy, routing, exporter) as arguments run only those.
`--json FILE` also writes the figures to a file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench import exporter, proxy, routing, startup
from bench.figures import Figure, Unmeasured
from bench.report import write

PARTS = {
    "startup": startup.figures,
    "proxy": proxy.figures,
    "routing": routing.figures,
    "exporter": exporter.figures,
}


def parsed(arguments: Sequence[str] | None = None) -> tuple[list[str], Path | None]:
    """Return the names of the parts to run, and the file to write."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure speed, as ratios within one run.")
    parser.add_argument(
        "parts", nargs="*", type=_part, metavar="PART", help=f"only these: {', '.join(PARTS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    found = parser.parse_args(arguments)
    return found.parts or [*PARTS], found.json


def _part(name: str) -> str:
    if name not in PARTS:  # `choices` of Python 3.11 refuses that none is given
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(PARTS)}")
    return name


def main() -> None:
    parts, file = parsed()
    print(f"{'figure':<62} {'measured':>12}   limit")
    figures = []
    for part in parts:
        for figure in PARTS[part]():
            _show(figure)
            if isinstance(figure, Figure):
                figures.append(figure)
    if file:
        write(file, figures)
        print(f"written to {file}")


def _show(figure: Figure | Unmeasured) -> None:
    if isinstance(figure, Unmeasured):
        print(f"{figure.name:<62} {'-':>12}   {figure.reason}", flush=True)
        return
    verdict = "" if figure.good else "   <- missed"
    print(f"{figure.name:<62} {figure.measured:>12}   {figure.target}{verdict}", flush=True)


if __name__ == "__main__":
    main()
