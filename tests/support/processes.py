"""Run real commands, and wait for what they do instead of sleeping."""

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGTERM, Signals
from typing import IO, TypeVar

from support.forked import Forked, ForkServer

POLL_S = 0.01
NULL = Path(os.devnull)
SCRIPTS = Path(sys.executable).parent
PORTS = range(20_000, 32_000)  # below those that Linux gives to connections and to whoever binds port 0

Process = subprocess.Popen[bytes] | Forked
T = TypeVar("T")


def eventually(look: Callable[[], T], within_s: float = 30) -> T:
    """Call `look` until its result is truthy, and return that result.

    Raises:
        AssertionError: it is still falsy after `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {within_s:g} s"
        time.sleep(POLL_S)
    return found


def free_port() -> int:
    """Return a port that is free now, and that the kernel gives to no other test: it is not an ephemeral one."""
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Command:
    """A running command; `stderr` is what it has written so far."""

    def __init__(self, process: Process, stderr: int) -> None:
        self.process = process
        self._stderr = stderr

    @property
    def stderr(self) -> str:
        return os.pread(self._stderr, os.fstat(self._stderr).st_size, 0).decode()

    def wait_for_output(self, pattern: str, within_s: float = 30) -> re.Match[str]:
        """Wait until `stderr` matches the pattern, and return the match."""

        def look() -> re.Match[str] | None:
            match = re.search(pattern, self.stderr)
            assert match or self.process.poll() is None, f"ended without writing {pattern!r}:\n{self.stderr}"
            return match

        match = eventually(look, within_s)
        assert match
        return match

    def wait_for_port(self, port: int, within_s: float = 30) -> None:
        """Wait until the port accepts connections."""

        def look() -> bool:
            assert self.process.poll() is None, f"ended before listening on {port}:\n{self.stderr}"
            return listens(port)

        eventually(look, within_s)

    def signal(self, signum: Signals) -> None:
        self.process.send_signal(signum)

    def wait(self, within_s: float = 30) -> int:
        """Return the exit code."""
        return self.process.wait(within_s)

    def stop(self, signum: Signals = SIGTERM, within_s: float = 30) -> int:
        """Send the signal and return the exit code."""
        self.signal(signum)
        return self.wait(within_s)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running(
    *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[Command]:
    """Start the command; it ends with the block."""
    with tempfile.TemporaryFile() as stderr, NULL.open("wb") as stdout:
        process = start(command, clean_environment() if env is None else env, cwd, stdout, stderr)
        started = Command(process, stderr.fileno())
        try:
            yield started
        finally:
            started.close()


fork_servers: list[ForkServer] = []
"""What starts our programs, if there is one; otherwise they start as a user starts them."""


def start(
    command: Sequence[str | Path],
    env: Mapping[str, str],
    cwd: Path | None,
    stdout: IO[bytes],
    stderr: IO[bytes],
) -> Process:
    """Start the command with an empty standard input; our programs start by `fork` where they can."""
    with NULL.open("rb") as stdin:
        for server in fork_servers:
            if server.can_start(command, env):
                files = [file.fileno() for file in (stdin, stdout, stderr)]
                return server.start(command, env, cwd, files)
        return subprocess.Popen(command, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr)


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without variables that configure our programs, HTTP clients or the terminal's size.

    Nor has it the one with which each start would compile all sources again.
    """
    ours = re.compile(
        r"CODEROUTER_|CR_EXPORTER_|(ALLOW_PAID|STATE_DIRECTORY|[a-z]+_proxy|COLUMNS|LINES|PYTHONDONTWRITEBYTECODE)$",
        re.IGNORECASE,
    )
    return {name: value for name, value in os.environ.items() if not ours.match(name)} | more
