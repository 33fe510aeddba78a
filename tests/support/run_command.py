"""Run a command to its end, in a pipe or at a terminal with typed input."""

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from support.processes import SCRIPTS, clean_environment, start
from support.proxy.process import CODEROUTER

WITHIN_S = 60
SILENT_S = 1
CTRL_C = "\x03"
"""Typed until it has an effect: Python's `input` misses one that arrives just before it starts waiting."""
STYLE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Ended:
    code: int
    stdout: str
    stderr: str = ""


def coderouter(
    folder: Path, *arguments: str | Path, env: Mapping[str, str] | None = None, within_s: float = WITHIN_S
) -> Ended:
    """Run `coderouter` in the folder, which is also its home, with its output in files."""
    return run((CODEROUTER, *arguments), _environment(folder, env), folder, within_s)


def run(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
    within_s: float = WITHIN_S,
) -> Ended:
    """Run any command, with its output in files."""
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        process = start(command, clean_environment() if env is None else env, folder, stdout, stderr)
        try:
            code = process.wait(within_s)
        finally:
            process.kill()
        return Ended(code, _text(stdout), _text(stderr))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def coderouter_at_terminal(
    folder: Path,
    *arguments: str | Path,
    types: Sequence[tuple[str, str]] = (),
    env: Mapping[str, str] | None = None,
    columns: int = 80,
) -> Ended:
    """Run `coderouter` at a terminal, and type each answer of `types` once its prompt is shown.

    `stdout` contains all that was shown, without colours.
    """
    master, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = _environment(folder, {"TERM": "xterm-256color", **(env or {})})
    try:
        # The controlling terminal of the command, so that Ctrl-C is a signal even if the parent shell ignores it.
        command = ["env", "--default-signal=INT", "setsid", "--ctty", CODEROUTER, *arguments]
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave
        )
    finally:
        os.close(slave)
    shown, at = "", 0
    try:
        for prompt, answer in types:
            while (found := shown.find(prompt, at)) < 0:
                more = _read(master)
                assert more, f"ended without the prompt {prompt!r}:\n{shown}"
                shown += more
            at = found + len(prompt)
            os.write(master, answer.encode())
        again = CTRL_C if types and types[-1][1] == CTRL_C else ""
        while more := _read(master, again):
            shown += more
        return Ended(process.wait(WITHIN_S), STYLE.sub("", shown).replace("\r\n", "\n"))
    finally:
        os.close(master)
        process.kill()
        process.wait()


def _read(master: int, again: str = "") -> str:
    """Return the next output, or nothing at the end; while there is none, type `again` repeatedly."""
    deadline = time.monotonic() + WITHIN_S
    while not select.select([master], [], [], SILENT_S)[0]:
        assert time.monotonic() < deadline, f"nothing more was shown within {WITHIN_S} s"
        os.write(master, again.encode())
    try:
        return os.read(master, 65536).decode(errors="replace")
    except OSError:  # the last program of the terminal is gone
        return ""


def _environment(folder: Path, more: Mapping[str, str] | None) -> dict[str, str]:
    keys = [name for name in os.environ if name.endswith("_API_KEY")]
    usual = {name: value for name, value in clean_environment().items() if name not in keys}
    return {**usual, "HOME": str(folder), "PATH": f"{SCRIPTS}:{os.environ['PATH']}", **(more or {})}
