"""Rotate event files with the real logrotate, with the shipped stanza or another one."""

import grp
import os
import pwd
import re
import subprocess
import time
from pathlib import Path

from support.processes import eventually
from support.programs import program

STANZA = Path(__file__).parents[3] / "deploy/logrotate/coderouter"
CLOCK_TICK_S = 0.01  # logrotate reads the clock that moves only at each tick of the kernel


class Logrotate:
    """One logrotate with its configuration and status file in a folder of its own."""

    def __init__(self, folder: Path, events: Path, stanza: str | None = None, *, rotate: int = 30) -> None:
        """`stanza` is the text between the braces; without it, the shipped file is used and `rotate` files are kept."""
        folder.mkdir(parents=True, exist_ok=True)
        self._program = program("logrotate")
        self._config = folder / "logrotate.conf"
        self._status = folder / "logrotate.status"
        text = shipped(events, rotate) if stanza is None else f"{events} {{\n{stanza}\n}}\n"
        self._config.write_text(text, encoding="utf-8")
        self._config.chmod(0o644)  # logrotate refuses a file that others may write
        self._second = 0

    def force(self) -> str:
        """Rotate at once, whatever the configuration says; return logrotate's output.

        Waits for a second in which it has not rotated yet, because rotated files are named by the second.
        """
        eventually(lambda: time.time() > self._second + 1 + CLOCK_TICK_S)
        output, ok = self.rotate()
        self._second = int(time.time())
        assert ok, output
        return output

    def rotate(self) -> tuple[str, bool]:
        """Rotate without waiting, for a stanza that numbers the files; return the output and whether it succeeded."""
        return self._run("--verbose", "--force")

    def dry_run(self) -> str:
        """Return logrotate's output about what a forced rotation would do."""
        output, ok = self._run("--debug", "--force")
        assert ok, output
        return output

    def _run(self, *options: str) -> tuple[str, bool]:
        command = (self._program, *options, "--state", str(self._status), str(self._config))
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        output = ended.stdout + ended.stderr
        return output, ended.returncode == 0 and "error:" not in output


def shipped(events: Path, rotate: int) -> str:
    """Return the shipped file, adapted to this event file and the user who runs the tests."""
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    text = STANZA.read_text(encoding="utf-8").replace("/var/log/coderouter/events.jsonl", str(events))
    text = text.replace("\trotate 30\n", f"\trotate {rotate}\n")
    return re.sub(r"\bcoderouter coderouter-events\b", f"{user} {group}", text)
