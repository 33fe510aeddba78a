"""The README's two commands in a root with nothing but the system's Python and make."""

import shutil
import time
from pathlib import Path

from first_minutes.machine import User, checkout, report
from support.processes import eventually, listens, running
from support.scratch import scratch_root

INDEX = (
    "resolv.conf",
    "hosts",
    "nsswitch.conf",
    "ssl",
    "ca-certificates",
    "pip.conf",
    "xdg/pip",
    "alternatives",
)
"""What of /etc the network and pip require."""


def check() -> None:
    with scratch_root() as root:
        for name in INDEX:
            source, target = Path("/etc") / name, root.path("/etc") / name
            target.parent.mkdir(exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            elif source.exists():
                shutil.copy(source, target)
        checkout(root.path("/root/source"))
        user = User(Path("/root"), "/usr/sbin:/usr/bin:/sbin:/bin")
        version = root.run_in("/root/source", user.environment(), "python3", "--version").strip()
        for number in range(2):
            start = time.monotonic()
            shown = root.run_in("/root/source", user.environment(), "make", "init")
            assert "coderouter run" in shown, shown
            command = root.command("/root/source", "make", "run")
            with running(*command, env=user.environment()) as both:
                took_s = user.first_answer(both, start)
                report(f"make init, make run ({version}, {'cold' if number == 0 else 'again'})", took_s)
                both.stop()  # make has an exit code of its own
                eventually(lambda: not listens(user.port) and not listens(user.exporter_port))
            packages = {path.name for path in root.path("/root/source/.venv").glob("lib/*/site-packages/*")}
            assert not packages & {"mypy", "pytest", "hypothesis"}
            root.path("/root/.coderouter/providers.yaml").unlink()
