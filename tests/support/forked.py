"""Start our programs by `fork`, without the time that Python takes to import them.

What runs is the installed script, in a process of its own. Only its start is not that of a user: tests about that, or
about the memory of a process, start it with `env` in front.
"""

import json
import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from signal import SIGKILL, SIGTERM
from threading import Lock

PROGRAMS = tuple(Path(sys.executable).with_name(name) for name in ("coderouter", "cr-exporter"))
MODULE = (sys.executable, "-m")
TESTS = Path(__file__).parents[1]
READ_AT_START = re.compile(r"PYTHON|LD_|LC_|LANG|MALLOC_")
"""Variables that matter before the first line of a program runs."""
ANSWER_BYTES_MAX = 100


class ForkServer:
    """A process that has imported our modules, from the first program on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count()
        self._server: subprocess.Popen[bytes] | None = None
        self._channel, self._other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def can_start(self, command: Sequence[str | Path], env: Mapping[str, str]) -> bool:
        """Return whether it is one of our programs, or a module of the tests, and Python would start it alike."""
        of_tests = {"PYTHONPATH": str(TESTS)} if tuple(command[:2]) == MODULE else {}
        known = command[0] in PROGRAMS or of_tests
        return bool(known) and _read_at_start(env) == _read_at_start(_environment() | of_tests)

    def start(
        self, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path | None, files: Sequence[int]
    ) -> "Forked":
        """Start the program with these files as its standard input, output and errors."""
        folder = str(cwd or Path.cwd())
        pid = self._ask({"command": [*map(str, command)], "env": dict(env), "cwd": folder}, files)
        assert pid is not None
        return Forked(self, pid)

    def exit_code(self, pid: int) -> int | None:
        return self._ask({"pid": pid})

    def close(self) -> None:
        self._channel.close()
        self._other_end.close()
        if self._server is not None:
            self._server.wait()

    def _ask(self, message: Mapping[str, object], files: Sequence[int] = ()) -> int | None:
        with self._lock:
            if self._server is None:
                self._server = self._started()
            number = next(self._numbers)
            socket.send_fds(self._channel, [json.dumps({"number": number, **message}).encode()], files)
            answer: int | None
            while True:  # a test that timed out has left its answer
                answered, answer = json.loads(self._channel.recv(ANSWER_BYTES_MAX))
                if answered == number:
                    return answer

    def _started(self) -> subprocess.Popen[bytes]:
        fd = self._other_end.fileno()
        command = [sys.executable, str(Path(__file__).with_name("fork_server.py")), str(fd)]
        null = subprocess.DEVNULL
        started = subprocess.Popen(command, env=_environment(), pass_fds=[fd], stdin=null, stdout=null)
        self._other_end.close()
        return started


class Forked:
    """A program that the server has started, with what tests use of `subprocess.Popen`."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._lock = Lock()
        self._server = server
        self._pidfd = os.pidfd_open(pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        with self._lock:
            if self._code is None and (code := self._server.exit_code(self.pid)) is not None:
                os.close(self._pidfd)
                self._code = code
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            ends = select.poll()
            ends.register(self._pidfd, select.POLLIN)
            if not ends.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        code = self.poll()
        assert code is not None
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(SIGTERM)

    def kill(self) -> None:
        self.send_signal(SIGKILL)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if READ_AT_START.match(name)}
