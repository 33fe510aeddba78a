"""Run all of it, and print what each took. Requires root, the package index, and Python 3.12 for `coderouter-cli`."""

import tempfile
from pathlib import Path

from first_minutes import beside_others, with_make, with_uv
from first_minutes.machine import wheel


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="first-minutes-") as name:
        folder = Path(name)
        built = wheel(folder)
        with_make.check()
        with_uv.check(folder, built)
        beside_others.check_pip(folder, built)
        beside_others.check_uv(folder, built)


if __name__ == "__main__":
    main()
