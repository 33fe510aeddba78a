"""`coderouter serve` under limits of open files."""

from pathlib import Path

from support.proxy.process import CODEROUTER


def limited_to(soft: int, hard: int) -> tuple[str | Path, ...]:
    """Return the program for `serving`."""
    return ("sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh", CODEROUTER, "serve")
