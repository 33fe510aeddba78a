"""A scratch root: a folder that commands see as `/`, with the system's programs but users of its own.

`make install DESTDIR=…` installs the services into it, and systemd's own tools create users and folders. So tests use
the real units, paths and users and leave no trace on the machine. It requires root, for users and mounts.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.processes import Command, running
from support.programs import program
from support.proxy.process import write_config
from support.systemd.units import Unit

REPOSITORY = Path(__file__).parents[2]
INSTALL_S_MAX = 300  # pip, on a busy machine
# The mounts end with the command. What was installed below usr/local covers the system's own.
ENTER = """
set -eu
cd "$1"
mount --bind usr/local .local
mount --rbind /usr usr
mount --bind .local usr/local
mount --rbind /proc proc
mount --rbind /dev dev
umask "$2"
exec chroot . "$3" --chdir="$4" -- "${@:5}"
"""
USERS = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"


class ScratchRoot:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, place: str) -> Path:
        """Return the path, outside the root, of this absolute path inside it."""
        return self.folder / place.removeprefix("/")

    def unit(self, name: str) -> Unit:
        return Unit(self.path(f"/etc/systemd/system/{name}.service"))

    def configure(self, config: Mapping[str, Any]) -> Path:
        """Overwrite the installed providers.yaml; its owner and mode stay as installed."""
        return write_config(self.path("/etc/coderouter"), config)

    def make(self, target: str, **variables: str) -> str:
        """Run a target of the Makefile on this root, and return its output."""
        named = [f"{name}={value}" for name, value in variables.items()]
        return _output("make", "-C", str(REPOSITORY), target, f"DESTDIR={self.folder}", *named)

    def make_users(self) -> None:
        """Create users and folders as the machine does at boot."""
        _output(program("systemd-sysusers"), f"--root={self.folder}")
        _output(program("systemd-tmpfiles"), f"--root={self.folder}", "--create")

    def output(self, *command: str, user: str | None = None) -> str:
        """Return the output of the command, run as root or as the user of the unit with this name."""
        who = self._as(self.unit(user)) if user else ()
        return _output(*self._inside(*who, *command), env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})

    def command(self, folder: str, *command: str) -> tuple[str, ...]:
        """Return what runs the command in that folder of the root."""
        return self._inside(*command, folder=folder)

    def run_in(self, folder: str, env: Mapping[str, str], *command: str) -> str:
        """Return the output of the command in that folder of the root."""
        return _output(*self.command(folder, *command), env=env)

    @contextmanager
    def service(self, name: str, **more: str) -> Iterator[Command]:
        """Run the unit's ExecStart line as its user, in its folders, with its environment."""
        unit = self.unit(name)
        self._make_directories(unit)
        environment = {**unit.environment(), **self._environment_files(unit), **more}
        command = self._inside(
            *self._as(unit),
            *unit.one("ExecStart").split(),
            umask=unit.one("UMask"),
            folder=unit.one("WorkingDirectory"),
        )
        with running(*command, env=environment) as started:
            yield started

    def _make_directories(self, unit: Unit) -> None:
        owner, group = unit.one("User"), unit.one("Group")
        for setting, place in unit.directories.items():
            mode = unit.one(f"{setting}Mode")
            self.output("install", "-d", "-o", owner, "-g", group, "-m", mode, place)

    def _environment_files(self, unit: Unit) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in unit.all("EnvironmentFile"):
            path = self.path(name.removeprefix("-"))
            assert name.startswith("-") or path.exists()
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            found |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return found

    def _as(self, unit: Unit) -> tuple[str, ...]:
        """Return the command prefix that sets the user and groups of the unit and drops every other privilege."""
        others = ",".join((unit.one("Group"), *unit.words("SupplementaryGroups")))
        who = (f"--reuid={unit.one('User')}", f"--regid={unit.one('Group')}", f"--groups={others}")
        return ("setpriv", *who, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")

    def _inside(self, *command: str, umask: str = "0022", folder: str = "/") -> tuple[str, ...]:
        enter = ("bash", "-c", ENTER, "enter", str(self.folder), umask, "/usr/bin/env", folder)
        return (program("unshare"), "--mount", "--", *enter, *command)


@contextmanager
def scratch_root() -> Iterator[ScratchRoot]:
    """Create one with nothing installed; the test is skipped without root and the right to mount."""
    if os.geteuid() != 0 or subprocess.run([program("unshare"), "--mount", "true"], check=False).returncode:
        pytest.skip("requires root with the right to mount")
    folder = Path(tempfile.mkdtemp(prefix="coderouter-"))
    try:
        folder.chmod(0o755)
        for name in (
            "etc",
            "usr/local",
            ".local",
            "proc",
            "dev",
            "run",
            "tmp",
            "var/lib/logrotate",
            "var/log",
        ):
            (folder / name).mkdir(parents=True)
        for name in ("bin", "lib", "lib64", "sbin"):
            if (host := Path("/") / name).is_symlink():
                (folder / name).symlink_to(host.readlink())
        (folder / "etc/passwd").write_text(USERS, encoding="utf-8")
        (folder / "etc/group").write_text(GROUPS, encoding="utf-8")
        yield ScratchRoot(folder)
    finally:
        shutil.rmtree(folder)


def _output(*command: str, env: Mapping[str, str] | None = None) -> str:
    ended = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
    )
    output = ended.stdout + ended.stderr
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{output}"
    return output
