"""Run real commands, and wait for what they do instead of for time to pass."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM, Signals
from typing import TypeVar

POLL_S = 0.01
SCRIPTS = Path(sys.executable).parent

T = TypeVar("T")


def eventually(look: Callable[[], T], within_s: float = 15) -> T:
    """Return the first truthy result of `look`, which is asked again and again.

    Raises:
        AssertionError: with the last result, when the time is up.
    """
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"still {found!r} after {within_s:g} s"
        time.sleep(POLL_S)
    return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


class Command:
    """A running command; `stderr` is what it has said so far."""

    def __init__(self, process: subprocess.Popen[bytes], stderr: int) -> None:
        self.process = process
        self._stderr = stderr

    @property
    def stderr(self) -> str:
        return os.pread(self._stderr, os.fstat(self._stderr).st_size, 0).decode()

    def says(self, pattern: str, within_s: float = 30) -> re.Match[str]:
        """Return the match of the pattern in `stderr`, as soon as there is one."""

        def look() -> re.Match[str] | None:
            match = re.search(pattern, self.stderr)
            assert match or self.process.poll() is None, f"ended without saying {pattern!r}:\n{self.stderr}"
            return match

        match = eventually(look, within_s)
        assert match
        return match

    def listens_on(self, port: int, within_s: float = 30) -> None:
        """Return when the port accepts connections."""

        def look() -> bool:
            assert self.process.poll() is None, f"ended before it listened on {port}:\n{self.stderr}"
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
    """Start the command, and end it with the block."""
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            command,
            env=clean_environment() if env is None else env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        started = Command(process, stderr.fileno())
        try:
            yield started
        finally:
            started.close()


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without what configures our programs, an HTTP client, or the size of a terminal."""
    ours = re.compile(
        r"CODEROUTER_|CR_EXPORTER_|(ALLOW_PAID|STATE_DIRECTORY|[a-z]+_proxy|COLUMNS|LINES)$", re.IGNORECASE
    )
    return {name: value for name, value in os.environ.items() if not ours.match(name)} | more
