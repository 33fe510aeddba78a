"""A real systemd of one user, in a mount namespace in which the machine seems to have been booted with systemd.

The user is root, whose home is in memory. The programs under test are below `/opt`, because the sandbox of the services
hides `/tmp`.
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from support.programs import program
from support.scratch import REPOSITORY

STARTED_S_MAX = 90
PROGRAMS = {
    "coderouter": "coderouter_proxy",
    "cr-proxy": "coderouter_proxy",
    "cr-exporter": "coderouter_exporter",
}
SITE_PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))

_PROGRAM = f"""\
#!{Path(sys.executable).resolve()} -P
import sys
sys.path[:0] = ["/opt/repository/proxy", "/opt/repository/exporter", "/opt/site-packages"]
from {{package}}.cli import main
main()
"""

# systemd makes the folders of /run/systemd at boot.
BOOTED = """
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/systemd/unit-root /run/systemd/incoming /run/systemd/inaccessible/dir /run/user/0
mount -t tmpfs tmpfs /home
mkdir -p /home/bin
mount -t tmpfs tmpfs /opt
mkdir -p /opt/repository /opt/site-packages
mount --bind "$REPOSITORY" /opt/repository
mount --bind "$SITE_PACKAGES" /opt/site-packages
for hierarchy in systemd unified .; do
    group=/sys/fs/cgroup/$hierarchy/$GROUP
    { mkdir "$group" && echo $$ >"$group/cgroup.procs"; } 2>/dev/null || continue
done
cd /home
"""
MANAGED = """
/usr/lib/systemd/systemd --user >/home/systemd.log 2>&1 &
manager=$!
trap 'kill $manager; wait $manager || true' EXIT
for _ in $(seq 100); do
    systemctl --user is-system-running >/dev/null 2>&1 && break
    sleep 0.1
done
"""


def output(script: str) -> str:
    """Run the script with a user's systemd, and the programs in /home/bin; return what it prints.

    The test is skipped without root, the right to mount, or systemd.
    """
    unshare = program("unshare")
    program("systemctl")
    if not Path("/usr/lib/systemd/systemd").exists():
        pytest.skip("systemd is not installed")
    private = (unshare, "--mount", "--propagation", "private")
    if os.geteuid() != 0 or subprocess.run([*private, "true"], check=False).returncode:
        pytest.skip("requires root with the right to mount")
    group = f"coderouter-test-{os.getpid()}"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/home",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "REPOSITORY": str(REPOSITORY),
        "SITE_PACKAGES": SITE_PACKAGES,
        "GROUP": group,
    }
    ended = subprocess.run(
        [*private, "sh", "-c", BOOTED + _programs() + MANAGED + script],
        env=env,
        capture_output=True,
        text=True,
        timeout=STARTED_S_MAX,
        check=False,
    )
    for folder in Path("/sys/fs/cgroup").glob(f"*/{group}"):
        _remove(folder)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def _remove(group: Path) -> None:
    """Remove a control group that has no process any more, and those in it."""
    for inner in (path for path in group.iterdir() if path.is_dir()):
        _remove(inner)
    with suppress(OSError):
        group.rmdir()


def _programs() -> str:
    """Return the lines that write a script for each program."""
    return "".join(
        f"cat >/home/bin/{name} <<'END'\n{_PROGRAM.format(package=package)}END\nchmod 755 /home/bin/{name}\n"
        for name, package in PROGRAMS.items()
    )
