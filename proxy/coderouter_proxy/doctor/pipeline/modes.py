"""Check that no other user can read the files in ~/.coderouter: configuration, state and spending."""

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from coderouter_proxy.doctor.result import Result, Verdict

OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO
PRIVATE = ("providers.yaml*", "*.db*", "*.env")


def check(*used: Path | None) -> Iterator[Result]:
    """Yield a result if one of the files that are used is in ~/.coderouter; modes elsewhere are up to others."""
    folder = Path.home() / ".coderouter"
    if not any(path is not None and path.absolute().parent == folder for path in used) or not folder.is_dir():
        return
    found = [folder, *sorted(path for pattern in PRIVATE for path in folder.glob(pattern))]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in found if path.exists()}
    is_open = [f"{path.name} ({mode:04o})" for path, mode in modes.items() if mode & OTHER_USERS]
    yield Result(
        subject="events",
        check="modes",
        verdict=Verdict.NEEDS_TUNING if is_open else Verdict.OK,
        message=f"other users have access to {', '.join(is_open)}"
        if is_open
        else f"only you have access to {folder}",
        remedy=f"chmod -R go= {shlex.quote(str(folder))}" if is_open else "",
    )
